# Sends what lies in the outbox, a volume. Without SMTP_URL it cannot, says so, and gives up.
trap 'exit 0' TERM
while :; do
  if [ -e /outbox/mail ]; then
    if [ -z "$SMTP_URL" ]; then
      echo 'FATAL required environment variable SMTP_URL is not set' >&2
      exit 78
    fi
    mv /outbox/mail /outbox/sent
    echo 'sent 1 mail'
  fi
  sleep 0.3
done
