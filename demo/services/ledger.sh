# A ledger that stops for good when its books do not balance: exit code 1.
trap 'exit 0' TERM
until [ -e /run/break ]; do sleep 0.3; done
echo 'FATAL debit and credit differ' >&2
exit 1
