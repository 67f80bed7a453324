"""Numbers and names that every implementation shares.

Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_VERSION: Final = 1
"""Version of the files and messages."""

CONTROL_SUFFIX: Final = ".ctl"
"""Suffix of the control socket's name, after the name of the data socket."""

LOCK_SUFFIX: Final = ".lock"
"""Suffix of the lock file's name, after the name of the data socket."""

PRIVATE_PREFIX: Final = ".sr-"
"""Prefix of a private directory's name, before its digits."""

RECORD_MAGIC: Final = '{"sockref":'
"""How each record begins; a file that begins differently is not a lock file, and is left alone."""

SERVER_MARK: Final = "SOCKREF_SERVER_PID"
"""The environment variable that tells a server's processes the number of their group."""

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

MAX_QUOTED_LENGTH: Final = 120
"""Characters of a foreign value that a message shows: enough to recognise it, too few to flood a log."""

MAX_OUTPUT_BYTES: Final = 4_096
"""Bytes of the last output of a server, or of its keeper, that an error carries: some forty lines."""

MAX_FAULT_WARNINGS: Final = 100
"""Kinds of faults that are remembered as warned of: enough to see what is wrong, too few to flood a log."""

MAX_LISTED_MEMBERS: Final = 200
"""Members that `holders` names at most; it gives the number of the others, so that the message keeps its
limit."""

MEMBERS_TOLD_PER_TURN: Final = 20
"""Members that an owner tells in one turn of its event loop; that takes some hundred microseconds, and
delays nothing else."""

SPARE_UNIDENTIFIED_PLACES: Final = 64
"""Places for connections that are not members', in addition to one for each allowed member: after the loss
of an owner all members may connect at once, and these places are for processes that only ask."""

UNIDENTIFIED_DESCRIPTOR_SHARE: Final = 0.25
"""The share of the process's descriptors that those connections may take: without a free descriptor no
member can connect, and the connections to the server need descriptors too."""

FEW_UNIDENTIFIED_PLACES: Final = 8
"""Places that those connections have under any limit of descriptors: so few more do no harm."""

MAX_RECORD_BYTES: Final = 65_536
"""Bytes of a record; each repair of a lost file adds some 200."""

MAX_LOCK_REPLACEMENTS: Final = 32
"""How often the lock file may be replaced between open and lock before it counts as busy."""

SOCKET_BACKLOG: Final = 4_096
"""Connections that the kernel may queue until they are accepted; the system reduces it to its own maximum.
Many processes that start at once must not meet a full queue."""

MAX_SOCKET_PATH_BYTES_LINUX: Final = 107
"""Bytes of a path in a socket's address on Linux, without its terminating zero."""

MAX_SOCKET_PATH_BYTES_MACOS: Final = 103
"""The same on macOS."""

GENERATED_NAME_DIGITS: Final = 32
"""Hexadecimal digits of a generated name: as many as a UUID has, so that it cannot be guessed or repeated."""

PRIVATE_NAME_DIGITS: Final = 16
"""Hexadecimal digits of a private directory's name, and of the names that are bound in it."""

MAX_NAMELESS_TRIED: Final = 8
"""Lock files of nameless sockets that one acquire tries, so that it stays fast beside thousands of live
sockets."""

CLAIM_PAUSE_GROWTH: Final = 1.5
"""Factor from one pause of a claim to the next."""

PROCESS_PAUSE_GROWTH: Final = 1.5
"""Factor from one look at processes to the next."""

EMPTY_PROCESS_LOOKS: Final = 2
"""How many looks in a row must find no process of a server: a process that starts another one and ends may
hide both from a single look."""

PROCESS_LOOKS_AT_EXIT: Final = 3
"""How often a call that cannot wait looks for processes that were started while it killed others."""

HEAL_INTERVAL_SPREAD: Final = 0.2
"""The share of `healIntervalMs` by which the intervals of owners differ, so that they do not all look at the
same moment."""

MAX_TIMER_SECONDS: Final = 2_147_483.647
"""The longest time of an option or a record: that of a timer in Node."""

UNIDENTIFIED_TIMEOUT_SECONDS: Final = 10.0
"""How long a connection that is not a member's may stay, before its `hello` and after its answer; long
enough for a busy machine."""

ROUND_PAUSE_PER_MEMBER_SECONDS: Final = 0.00005
"""The least time between two rounds that tell the count, for each member: telling takes only a small part of
the time."""

CLAIM_FIRST_PAUSE_SECONDS: Final = 0.001
"""The first pause between two attempts of a claim: about as long as an owner takes to start."""

CLAIM_LONGEST_PAUSE_SECONDS: Final = 0.05
"""The longest pause between two attempts of a claim."""

CLAIM_PAUSE_PER_MEMBER_SECONDS: Final = 0.00005
"""Added to the first pause after a failover, for each competing member, so that hundreds do not try at once."""

STABLE_AFTER_SECONDS: Final = 10.0
"""A server, or its keeper, that was up for so long was well: if it ends then, that says nothing about the
next one."""

SUCCESSION_SECONDS: Final = 0.25
"""How long a member that cannot serve waits for a successor after its owner went. Members that can serve
take over within a few milliseconds, but may reach the lock later than it."""

SUCCESSOR_GRACE_SECONDS: Final = 1.0
"""How long a successor waits for the members that depended on its predecessor: many times the longest pause
of a claim."""

ASK_AGAIN_PAUSE_SECONDS: Final = 0.005
"""Pause before a question is repeated for which the owner had no place."""

REPAIR_REQUEST_PAUSE_SECONDS: Final = 0.1
"""The least time between two requests of a member that make its owner check its files."""

REPAIR_ANSWER_SECONDS: Final = 2.0
"""How long a member waits for the answer to such a request."""

DYING_OWNER_FIRST_PAUSE_SECONDS: Final = 0.001
"""The first pause while an owner is dying; each further one is twice as long."""

DYING_OWNER_LONGEST_PAUSE_SECONDS: Final = 0.512
"""The longest of these pauses: all together take about twice as long."""

STOP_ANSWER_SECONDS: Final = 2.0
"""How long an owner may take to say who holds its socket before it is stopped."""

STOP_PAUSE_SECONDS: Final = 0.05
"""Pause before a request to stop is repeated, after the owner was not there or went without having stopped."""

STOP_SILENCE_SECONDS: Final = 20.0
"""How long an owner that must stop may be starting or ending without an answer."""

PROCESS_FIRST_PAUSE_SECONDS: Final = 0.002
"""The first pause between two looks at ending processes: the system reports the end of children only."""

PROCESS_LONGEST_PAUSE_SECONDS: Final = 0.05
"""The longest of these pauses."""

PROCESS_TABLE_TIMEOUT_SECONDS: Final = 5.0
"""Time after which `ps` counts as not answering."""

CONNECT_PAUSE_SECONDS: Final = 0.005
"""Pause between two attempts to connect: about as long as a takeover."""

INSPECT_TIMEOUT_SECONDS: Final = 2.0
"""How long `inspect` waits for the owner's answer."""

DEFAULT_TIMEOUT_SECONDS: Final = 20.0
"""Time limit of an acquire: as long as a person waits before asking what is wrong."""

DEFAULT_DRAIN_TIMEOUT_SECONDS: Final = 5.0
"""Time that open connections get at the end: long enough for a request in progress."""

DEFAULT_FAILOVER_TIMEOUT_SECONDS: Final = 10.0
"""How long references survive without an owner: a takeover takes milliseconds, the rest is for busy
machines."""

DEFAULT_HEAL_INTERVAL_SECONDS: Final = 5.0
"""Time between two checks of an owner's files: temp cleaners run once a day."""

DEFAULT_CONNECT_TIMEOUT_SECONDS: Final = 10.0
"""Time limit of an attempt to connect."""

DEFAULT_RESTART: Final = 5
"""How often in a row a server is restarted, or its keeper replaced: enough for bad luck, too few for a
broken program."""

DEFAULT_MAX_SOCKETS: Final = 1_024
"""Sockets of the manager: active, starting or stopping."""

DEFAULT_MAX_REFERENCES_PER_SOCKET: Final = 65_536
"""References to one socket, of all processes; the owner's value holds for all."""

DEFAULT_MAX_MEMBERS_PER_SOCKET: Final = 1_024
"""Members of a socket that this process owns."""

DEFAULT_MAX_CONNECTIONS_PER_SOCKET: Final = 4_096
"""Connections to a socket that this process serves; further ones are closed at once."""

DEFAULT_MAX_PENDING_ACQUIRES: Final = 4_096
"""Acquires of the manager that are waiting."""

DEFAULT_CLEANUP_CONCURRENCY: Final = 16
"""Clean-ups that begin in one turn of the event loop; others wait for their turn, without an error."""
