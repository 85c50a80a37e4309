# An API that asks the database for every answer, and says 503 when that does not reply in a second.
trap 'exit 0' TERM
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/orders <<'CGI'
#!/bin/sh
if rows=$(timeout 1 wget -q -O - http://db:5432/); then
  printf 'Status: 200 OK\r\n\r\n%s\n' "$rows"
else
  printf 'Status: 503 Service Unavailable\r\n\r\nthe database does not answer\n'
fi
CGI
chmod +x /www/cgi-bin/orders
httpd -f -p 8080 -h /www &
wait
