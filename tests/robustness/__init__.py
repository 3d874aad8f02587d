"""What harms other servers, tried briefly by the tests, and at length by programs that are run by hand."""
