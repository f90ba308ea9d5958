# What the nodes read: a database, a web server and a folder. Sourced by quickstart.sh, which sets `work` and `origin`.

# All packages that apt knows, as JSON rows of a SQLite table. A machine that never asked its archive knows few.
make_database() {
  if [ "$(apt-cache dumpavail | grep -c '^Package:')" -lt 10000 ]; then
    apt-get update -qq || fail "apt-get update failed; the database is made of the packages that apt knows"
  fi
  apt-cache dumpavail | awk '
    function put() {
      if (name != "") printf "%s\037%s\037%s\037%s\037%s\036", name, version, kib, section, title
      name = version = kib = section = title = ""
    }
    /^Package: /        { put(); name = $2 }
    /^Version: /        { version = $2 }
    /^Installed-Size: / { kib = $2 }
    /^Section: /        { section = $2 }
    /^Description: /    { title = substr($0, 14) }
    END                 { put() }' >"$work/packages.raw"
  sqlite3 "$work/packages.db" >/dev/null <<SQL
PRAGMA journal_mode = WAL;
CREATE TABLE raw (name TEXT, version TEXT, kib INTEGER, section TEXT, title TEXT);
.mode ascii
.import $work/packages.raw raw
CREATE TABLE packages (name TEXT PRIMARY KEY, json TEXT NOT NULL);
INSERT OR REPLACE INTO packages SELECT name, json_object('name', name, 'version', version, 'kib', kib,
  'section', section, 'title', title) FROM raw;
DROP TABLE raw;
SQL
  rm "$work/packages.raw"
  sqlite3 "$work/packages.db" "SELECT name FROM packages ORDER BY random()" >"$work/names"
}

# nginx over the licence texts of this machine, on the port $origin; its id in `nginx_pid`.
start_origin() {
  mkdir -p "$work/nginx"
  cp -rL /usr/share/common-licenses "$work/licenses"
  chmod 755 "$work" "$work/licenses"  # nginx's workers may run as another user
  cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx/pid; error_log $work/nginx/error.log;
events {}
http {
  access_log $work/nginx/access.log;
  client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;
  uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
  server { listen 127.0.0.1:$origin; root $work/licenses; default_type text/plain; }
}
CONF
  /usr/sbin/nginx -c "$work/nginx.conf" -p "$work/nginx" 2>/dev/null &
  nginx_pid=$!
}
