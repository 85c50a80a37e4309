# A web server with a flaw: one request ends a child by a segmentation fault, and the server with it.
trap 'exit 0' TERM
mkdir -p /www
echo 'hello' > /www/index.html
httpd -f -p 8080 -h /www &
until [ -e /run/break ]; do sleep 0.3; done
sh -c 'kill -SEGV $$'
exit $?
