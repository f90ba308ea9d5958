"""validate_samples.py SCHEMA SAMPLE...: checks the samples against the JSON Schema.

Exits 0 when all are valid and a few wrong files are refused, 1 otherwise. Needs python3-jsonschema and python3-yaml.
"""

import json
import sys

import jsonschema
import yaml

SOURCE = {"type": "file", "root": "/"}
WRONG = [
    {},
    {"keyspaces": []},
    {"keyspaces": [{"name": "a"}]},
    {"keyspaces": [{"name": "A b", "source": SOURCE}]},
    {"keyspaces": [{"name": "a", "source": {"type": "ftp"}}]},
    {"keyspaces": [{"name": "a", "source": {"type": "file", "root": "/", "url": "x"}}]},
    {"keyspaces": [{"name": "a", "source": SOURCE, "ttl": 30}]},
    {"keyspaces": [{"name": "a", "source": SOURCE, "tll": "30s"}]},
    {"keyspaces": [{"name": "a", "source": SOURCE, "max_memory": "64Mb"}]},
    {"keyspaces": [{"name": "a", "source": SOURCE}], "node": {"weight": 0}},
    {"keyspaces": [{"name": "a", "source": SOURCE}], "listen": {"http": {"address": "x"}}},
    {"keyspaces": [{"name": "a", "source": SOURCE}], "discovery": {"static": {"peers": ["h:1"]}}},
    {"keyspaces": [{"name": "a", "source": SOURCE}], "discovery": {"dns": {"name": "w", "type": "MX"}}},
]


def main(schema_path, samples):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    failed = False
    for path in samples:
        with open(path, encoding="utf-8") as file:
            document = yaml.safe_load(file)
        for error in validator.iter_errors(document):
            failed = True
            print(f"{path}: {list(error.path)}: {error.message}")
    for document in WRONG:
        if validator.is_valid(document):
            failed = True
            print(f"accepted, but wrong: {document}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
