# Prints a Python that is new enough, or says in one line that there is none.
wanted='import sys; sys.exit(sys.version_info < (3, 11))'
for name in ${1:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if "$name" -c "$wanted" 2>/dev/null; then
        echo "$name"
        exit
    fi
done
found=$(python3 --version 2>&1) || found='no python3'
echo "SmartBudget needs Python 3.11 or newer; found: $found" >&2
exit 1
