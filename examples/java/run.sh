#!/usr/bin/env bash
# Compile and run the tests with Debian's junit5 (apt-get install default-jdk-headless junit5), against MOCK_URL.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
jars=$(ls /usr/share/java/{junit-jupiter-api,junit-jupiter-engine,junit-platform-console,junit-platform-launcher,junit-platform-engine,junit-platform-commons,junit-platform-reporting,opentest4j,opentest4j-reporting-events,apiguardian-api,picocli}.jar 2>/dev/null | paste -sd:)
javac -Xlint:all,-classfile,-path -Werror -cp "$jars" -d "$out" ActivationTest.java
java -cp "$out:$jars" org.junit.platform.console.ConsoleLauncher --scan-class-path "$out" --disable-banner
