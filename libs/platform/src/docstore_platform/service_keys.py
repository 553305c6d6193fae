"""Command that creates keys and tokens of services.

`python -m docstore_platform.service_keys new NAME...` prints new keys as the settings of those services.
`python -m docstore_platform.service_keys token AUDIENCE` prints a bearer token of the caller `operator` for the
internal routes of a service, signed with DOCSTORE_SERVICE_KEY.
"""

import argparse
import os

from docstore_platform.security.service_identity import TokenSource
from docstore_platform.security.service_keys import (
    OPERATOR,
    load_private_key,
    new_service_key,
    private_key_for,
    public_keys_json,
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docstore_platform.service_keys")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="print new keys as settings")
    new.add_argument("names", nargs="+")
    token = commands.add_parser("token", help="print a bearer token of the operator, valid for some minutes")
    token.add_argument("audience", help="the service to call")
    given = parser.parse_args()
    if given.command == "new":
        keys = {name: new_service_key() for name in given.names}
        for name, key in keys.items():
            print(f"# {name}\nDOCSTORE_SERVICE_KEY={key}")
        print(f"# every service\nDOCSTORE_SERVICE_PUBLIC_KEYS={public_keys_json({n: [k] for n, k in keys.items()})}")
    else:
        key = private_key_for(OPERATOR, os.environ["DOCSTORE_SERVICE_KEY"])
        print(TokenSource(OPERATOR, given.audience, load_private_key(key)).token())


if __name__ == "__main__":
    main()
