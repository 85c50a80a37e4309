# Plays a database: answers on port 5432 until its server process is frozen.
trap 'exit 0' TERM
mkdir -p /data
echo '42 orders' > /data/index.html
httpd -f -p 5432 -h /data &
wait
