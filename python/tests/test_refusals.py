"""When the system refuses, there is a typed error with the requested path and the system's error as its cause."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from support import SOURCE, Case

from sockref import ServerCommand, SocketManager, SocketReferenceError

_OTHER_USER = 65_534

_READ_ONLY = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import sockref
first, directory = sys.argv[2:]
manager = sockref.SocketManager()
# Load lazy modules while they can still be read.
manager.acquire(f"{first}/a.sock", serve=lambda _: None).close()
if os.getuid() == 0:
    os.setuid(65534)
path = f"{directory}/a.sock"
reference = manager.acquire(path, serve=lambda _: None)
os.chmod(directory, 0o555)
told = []
for work in (
    reference.close,
    lambda: manager.acquire(path, serve=lambda _: None),
    lambda: manager.acquire(f"{directory}/b.sock", serve=lambda _: None),
    lambda: manager.acquire(f"{directory}/b.sock"),
):
    try:
        work()
        told.append(None)
    except sockref.SocketReferenceError as error:
        told.append([error.code, error.errno, type(error.__cause__).__name__, error.message])
    except BaseException as error:
        told.append(repr(error))
os.chmod(directory, 0o700)
manager.acquire(path, serve=lambda _: None).close()
print(json.dumps(told))
"""

_GONE = """
import os, sys
sys.path.insert(0, sys.argv[1])
import sockref
os.chdir(sys.argv[2])
os.rmdir(sys.argv[2])
try:
    sockref.acquire(sys.argv[3], server=["true"])
except sockref.SocketReferenceError as error:
    print(error.code, error.directory, error.message)
"""


class Refusals(Case):
    def test_each_call_reports_a_directory_that_becomes_read_only(self) -> None:
        first, directory = self.path("first"), self.path("other")
        for each in (first, directory):
            os.mkdir(each, 0o700)
        os.chmod(self.directory, 0o755)
        if os.getuid() == 0:
            os.chown(directory, _OTHER_USER, _OTHER_USER)
        told = json.loads(self.run_program(_READ_ONLY, first, directory))
        for each in told[:3]:
            code, errno, cause, message = each
            self.assertEqual((code, errno, cause), ("ERR_SOCKREF_PERMISSION_DENIED", "EACCES", "PermissionError"))
            self.assertRegex(message, rf"^Cannot [^;]* {directory}/[ab]\.sock(\.lock)?\b[^;]*: [^;]*EACCES; grant this user write")
        self.assertEqual(told[3][0], "ERR_SOCKREF_NOT_SERVED")
        for each in (first, directory):
            os.rmdir(each)

    def test_the_error_names_a_removed_working_directory(self) -> None:
        gone = self.path("gone")
        os.mkdir(gone)
        said = self.run_program(_GONE, gone, self.path())
        self.assertRegex(said, rf'^ERR_SOCKREF_DIRECTORY_NOT_FOUND {gone} The working directory "{gone}" does not exist any more; change')

    def test_the_error_names_a_missing_directory_of_the_server(self) -> None:
        gone = self.path("gone")
        with SocketManager() as manager, self.assertRaises(SocketReferenceError) as raised:
            manager.acquire(self.path(), server=ServerCommand(["true"], cwd=gone))
        self.assertEqual((raised.exception.code, raised.exception.reason), ("ERR_SOCKREF_SERVER_FAILED", "directory"))
        self.assertIn(f'its working directory "{gone}" does not exist; create it', raised.exception.message)

    def test_a_lock_file_with_a_second_name_is_left_alone(self) -> None:
        path, other = self.path(), self.path("other")
        os.close(os.open(other, os.O_CREAT | os.O_WRONLY, 0o600))
        os.link(other, f"{path}.lock")
        with SocketManager() as manager, self.assertRaises(SocketReferenceError) as raised:
            manager.acquire(path, serve=lambda _: None)
        self.assertEqual(raised.exception.code, "ERR_SOCKREF_ADDRESS_IN_USE")
        self.assertEqual(os.stat(other).st_size, 0)
        os.unlink(f"{path}.lock")
        os.unlink(other)

    def run_program(self, text: str, *args: str) -> str:
        command = [sys.executable, "-c", text, str(SOURCE), *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
