-- ARGV: name
return clear_entries(ARGV[1])
