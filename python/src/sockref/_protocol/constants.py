"""Numbers and names that every implementation shares.

Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_VERSION: Final = 1
"""Version of the files and messages."""

CONTROL_SUFFIX: Final = ".ctl"
"""Behind the name of the data socket: the control socket."""

LOCK_SUFFIX: Final = ".lock"
"""Behind the name of the data socket: the lock file."""

PRIVATE_PREFIX: Final = ".sr-"
"""Before the digits of a private directory."""

RECORD_MAGIC: Final = '{"sockref":'
"""How each record begins; a file that begins otherwise is no lock file, and is left alone."""

SERVER_MARK: Final = "SOCKREF_SERVER_PID"
"""The environment variable that tells a server's processes the number of its group."""

DEFAULT_SOCKET_MODE: Final = 0o600
"""Of the data socket, unless an option says otherwise."""

CONTROL_MODE: Final = 0o600
"""Of the control socket."""

LOCK_MODE: Final = 0o600
"""Of the lock file."""

PRIVATE_DIRECTORY_MODE: Final = 0o700
"""Of a private directory, and of the default directory."""

MAX_MESSAGE_BYTES: Final = 65_536
"""Bytes of a control message, its newline not counted."""

MAX_LABEL_LENGTH: Final = 200
"""UTF-16 code units of a label; listings show it."""

MAX_LISTED_MEMBERS: Final = 200
"""Members that `holders` names at most; the rest is a number, so that the message keeps its limit."""

MEMBERS_TOLD_PER_TURN: Final = 20
"""Members that an owner tells in one turn of its event loop: some hundred microseconds, which hold up
nothing else."""

SPARE_UNIDENTIFIED_PLACES: Final = 64
"""Places for connections that are no member's, beyond one for each member that there may be: after the loss
of an owner all members may come at once, and these places are for processes that only ask."""

UNIDENTIFIED_DESCRIPTOR_SHARE: Final = 0.25
"""The part of all descriptors of the process that those connections may take: without a free descriptor no
member can connect, and those that it serves need theirs."""

FEW_UNIDENTIFIED_PLACES: Final = 8
"""Places that those connections have under any limit of descriptors: so few more make no difference."""

MAX_RECORD_BYTES: Final = 65_536
"""Bytes of a record; each repair of a lost file adds some 200."""

MAX_LOCK_REPLACEMENTS: Final = 32
"""How often the lock file may be replaced between open and lock before it counts as busy."""

SOCKET_BACKLOG: Final = 4_096
"""Connections that the kernel may keep until they are accepted; the system cuts it to its own maximum. Many
processes that start at once must not meet a full queue."""

MAX_SOCKET_PATH_BYTES_LINUX: Final = 107
"""Bytes of a path in a socket's address on Linux, without its terminating zero."""

MAX_SOCKET_PATH_BYTES_MACOS: Final = 103
"""The same on macOS."""

GENERATED_NAME_DIGITS: Final = 32
"""Hexadecimal digits of a name that is generated: as many as a UUID has, so that nothing can guess or meet
it."""

PRIVATE_NAME_DIGITS: Final = 16
"""Hexadecimal digits of a private directory, and of the names that are bound in it."""

MAX_NAMELESS_TRIED: Final = 8
"""Lock files of nameless sockets that one acquire tries, so that it stays fast beside thousands of live
sockets."""

CLAIM_PAUSE_GROWTH: Final = 1.5
"""Factor from one pause of a claim to the next."""

PROCESS_PAUSE_GROWTH: Final = 1.5
"""Factor from one look at processes to the next."""

EMPTY_PROCESS_LOOKS: Final = 2
"""Looks that must find no process of a server: one that ends while it makes another may hide both from a
single look."""

PROCESS_LOOKS_AT_EXIT: Final = 3
"""How often a call that cannot wait looks for processes that were made while it killed others."""

HEAL_INTERVAL_SPREAD: Final = 0.2
"""Part of `healIntervalMs` by which the intervals of several owners spread, so that they do not all look in
one moment."""

MAX_TIMER_SECONDS: Final = 2_147_483.647
"""The longest time that an option or a record may give: that of a timer of Node."""

UNIDENTIFIED_TIMEOUT_SECONDS: Final = 10.0
"""How long a connection may stay that is no member's, before its `hello` and after its answer; long enough
for a busy machine."""

ROUND_PAUSE_PER_MEMBER_SECONDS: Final = 0.00005
"""The least time between two rounds that tell the count, for each member: telling stays a small part of the
time."""

CLAIM_FIRST_PAUSE_SECONDS: Final = 0.001
"""The first pause between two attempts of a claim: about what an owner that is starting needs."""

CLAIM_LONGEST_PAUSE_SECONDS: Final = 0.05
"""The longest pause between two attempts of a claim."""

CLAIM_PAUSE_PER_MEMBER_SECONDS: Final = 0.00005
"""Added to the first pause after a failover, for each member that competes, so that hundreds do not come at
once."""

SUCCESSION_SECONDS: Final = 0.25
"""How long one that cannot serve waits for a successor once it saw an owner go: members that depended on
that owner take over within a few milliseconds, but may come to the lock later than it."""

SUCCESSOR_GRACE_SECONDS: Final = 1.0
"""How long a successor waits for the members that depended on its predecessor: many times the longest pause
of a claim."""

ASK_AGAIN_PAUSE_SECONDS: Final = 0.005
"""Pause before an owner is asked again that had no place for the question."""

REPAIR_REQUEST_PAUSE_SECONDS: Final = 0.1
"""The least time between two requests of a member that its owner look after its files."""

REPAIR_ANSWER_SECONDS: Final = 2.0
"""How long a member waits for the answer to that."""

DYING_OWNER_FIRST_PAUSE_SECONDS: Final = 0.001
"""The first pause for an owner that is dying; the pauses double."""

DYING_OWNER_LONGEST_PAUSE_SECONDS: Final = 0.512
"""The longest of them: together they are about two of it."""

STOP_ANSWER_SECONDS: Final = 2.0
"""How long an owner may take to say who holds its socket before it is stopped."""

STOP_PAUSE_SECONDS: Final = 0.05
"""Pause before an owner is asked again to stop that was not there, or went without having stopped."""

STOP_SILENCE_SECONDS: Final = 20.0
"""How long an owner that is to be stopped may be on its way in or out without an answer."""

PROCESS_FIRST_PAUSE_SECONDS: Final = 0.002
"""The first pause between two looks at processes that are ending: no event tells about a process that is not
a child."""

PROCESS_LONGEST_PAUSE_SECONDS: Final = 0.05
"""The longest of them."""

PROCESS_TABLE_TIMEOUT_SECONDS: Final = 5.0
"""After which `ps` counts as not answering."""

CONNECT_PAUSE_SECONDS: Final = 0.005
"""Pause between two attempts to connect: about what a takeover needs."""

INSPECT_TIMEOUT_SECONDS: Final = 2.0
"""How long `inspect` waits for the owner's answer."""

DEFAULT_TIMEOUT_SECONDS: Final = 20.0
"""Of an acquire: as long as a person waits before asking what is wrong."""

DEFAULT_DRAIN_TIMEOUT_SECONDS: Final = 5.0
"""Of open connections at the end: long enough for a request under way."""

DEFAULT_FAILOVER_TIMEOUT_SECONDS: Final = 10.0
"""Of references without an owner: a takeover needs milliseconds, the rest is for busy machines."""

DEFAULT_HEAL_INTERVAL_SECONDS: Final = 5.0
"""Between two looks of an owner after its files: temp cleaners come once a day."""

DEFAULT_CONNECT_TIMEOUT_SECONDS: Final = 10.0
"""Of an attempt to connect."""

DEFAULT_MAX_SOCKETS: Final = 1_024
"""Sockets of the manager: active, starting or stopping."""

DEFAULT_MAX_REFERENCES_PER_SOCKET: Final = 65_536
"""References to one socket, everywhere; the owner's value holds for all."""

DEFAULT_MAX_MEMBERS_PER_SOCKET: Final = 1_024
"""Members of a socket that is owned here."""

DEFAULT_MAX_CONNECTIONS_PER_SOCKET: Final = 4_096
"""Connections to a socket that is served here; more are closed at once."""

DEFAULT_MAX_PENDING_ACQUIRES: Final = 4_096
"""Acquires of the manager that wait."""

DEFAULT_CLEANUP_CONCURRENCY: Final = 16
"""Clean-ups that are begun in one turn of the event loop; more wait for their turn, without an error."""
