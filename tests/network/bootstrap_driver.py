"""Starts a function as Lambda's bootstrap.py does, and prints the first line that it would log.

Run as a program, by the CPython that is asked about: argv is the folder of
awslambdaric, the task root, the handler, and the user id to become.
"""

import os
import site
import sys

runtime, root, setting, user = sys.argv[1:]
sys.path.append(runtime)

from awslambdaric import __main__ as _  # noqa: E402, F401 - as bootstrap.py imports it
from awslambdaric import bootstrap  # noqa: E402
from awslambdaric.lambda_runtime_exception import FaultException  # noqa: E402
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller  # noqa: E402


def start() -> str:
    """Return the line, empty where the first event is answered."""
    try:
        handler = bootstrap._get_handler(setting)  # noqa: SLF001 - it is what is asked about
        LambdaMarshaller().marshal_response(handler({}, None))
    except FaultException as fault:
        return f"[ERROR] {fault.exception_type}: {fault.msg}"
    except Exception as error:  # noqa: BLE001 - so does the bootstrap
        return f"[ERROR] {type(error).__name__}: {error}"
    return ""


sys.path[0] = root  # where this program lies, which bootstrap.py's own folder is on Lambda
os.chdir(root)
os.umask(0o022)
if int(user):
    os.setgid(int(user))
    os.setuid(int(user))
site.addsitedir(root)
sys.dont_write_bytecode = True
sys.stdout.write(f"{start()}\n")
