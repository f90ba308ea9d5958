-- A thousand users. Running it again changes nothing.
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, json TEXT NOT NULL);
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1000)
INSERT OR IGNORE INTO users SELECT id, json_object('id', id, 'name', 'User ' || id) FROM n;
