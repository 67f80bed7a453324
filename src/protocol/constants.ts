// Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.

/** Version of the files and messages. */
export const protocolVersion = 1;

/** Suffix of the control socket's name, after the name of the data socket. */
export const controlSuffix = '.ctl';

/** Suffix of the lock file's name, after the name of the data socket. */
export const lockSuffix = '.lock';

/** Prefix of a private directory's name, before its digits. */
export const privatePrefix = '.sr-';

/** How each record begins; a file that begins differently is not a lock file, and is left alone. */
export const recordMagic = '{"sockref":';

/** The environment variable that tells a server's processes the number of their group. */
export const serverMark = 'SOCKREF_SERVER_PID';

/** Of the data socket, unless an option says otherwise. */
export const defaultSocketMode = 0o600;

/** Of the control socket. */
export const controlMode = 0o600;

/** Of the lock file. */
export const lockMode = 0o600;

/** Of a private directory, and of the default directory. */
export const privateDirectoryMode = 0o700;

/** Bytes of a control message, its newline not counted. */
export const maxMessageBytes = 65_536;

/** UTF-16 code units of a label; listings show it. */
export const maxLabelLength = 200;

/** Characters of a foreign value that a message shows: enough to recognise it, too few to flood a log. */
export const maxQuotedLength = 120;

/** Bytes of the last output of a server, or of its keeper, that an error carries: some forty lines. */
export const maxOutputBytes = 4_096;

/** Kinds of faults that are remembered as warned of: enough to see what is wrong, too few to flood a log. */
export const maxFaultWarnings = 100;

/** Members that `holders` names at most; it gives the number of the others, so that the message keeps its limit. */
export const maxListedMembers = 200;

/**
 * Members that an owner tells in one turn of its event loop; that takes some hundred microseconds, and delays nothing
 * else.
 */
export const membersToldPerTurn = 20;

/**
 * Places for connections that are not members', in addition to one for each allowed member: after the loss of an owner
 * all members may connect at once, and these places are for processes that only ask.
 */
export const spareUnidentifiedPlaces = 64;

/**
 * The share of the process's descriptors that those connections may take: without a free descriptor no member can
 * connect, and the connections to the server need descriptors too.
 */
export const unidentifiedDescriptorShare = 0.25;

/** Places that those connections have under any limit of descriptors: so few more do no harm. */
export const fewUnidentifiedPlaces = 8;

/** Bytes of a record; each repair of a lost file adds some 200. */
export const maxRecordBytes = 65_536;

/** How often the lock file may be replaced between open and lock before it counts as busy. */
export const maxLockReplacements = 32;

/**
 * Connections that the kernel may queue until they are accepted; the system reduces it to its own maximum. Many
 * processes that start at once must not meet a full queue.
 */
export const socketBacklog = 4_096;

/** Bytes of a path in a socket's address on Linux, without its terminating zero. */
export const maxSocketPathBytesLinux = 107;

/** The same on macOS. */
export const maxSocketPathBytesMacos = 103;

/** Hexadecimal digits of a generated name: as many as a UUID has, so that it cannot be guessed or repeated. */
export const generatedNameDigits = 32;

/** Hexadecimal digits of a private directory's name, and of the names that are bound in it. */
export const privateNameDigits = 16;

/** Lock files of nameless sockets that one acquire tries, so that it stays fast beside thousands of live sockets. */
export const maxNamelessTried = 8;

/** Factor from one pause of a claim to the next. */
export const claimPauseGrowth = 1.5;

/** Factor from one look at processes to the next. */
export const processPauseGrowth = 1.5;

/**
 * How many looks in a row must find no process of a server: a process that starts another one and ends may hide both
 * from a single look.
 */
export const emptyProcessLooks = 2;

/** How often a call that cannot wait looks for processes that were started while it killed others. */
export const processLooksAtExit = 3;

/**
 * The share of `healIntervalMs` by which the intervals of owners differ, so that they do not all look at the same
 * moment.
 */
export const healIntervalSpread = 0.2;

/** The longest time of an option or a record: that of a timer in Node. */
export const maxTimerMs = 2_147_483_647;

/**
 * How long a connection that is not a member's may stay, before its `hello` and after its answer; long enough for a
 * busy machine.
 */
export const unidentifiedTimeoutMs = 10_000;

/** The least time between two rounds that tell the count, for each member: telling takes only a small part of the time. */
export const roundPausePerMemberMs = 0.05;

/** The first pause between two attempts of a claim: about as long as an owner takes to start. */
export const claimFirstPauseMs = 1;

/** The longest pause between two attempts of a claim. */
export const claimLongestPauseMs = 50;

/** Added to the first pause after a failover, for each competing member, so that hundreds do not try at once. */
export const claimPausePerMemberMs = 0.05;

/** A server, or its keeper, that was up for so long was well: if it ends then, that says nothing about the next one. */
export const stableAfterMs = 10_000;

/**
 * How long a member that cannot serve waits for a successor after its owner went. Members that can serve take over
 * within a few milliseconds, but may reach the lock later than it.
 */
export const successionMs = 250;

/**
 * How long a successor waits for the members that depended on its predecessor: many times the longest pause of a
 * claim.
 */
export const successorGraceMs = 1_000;

/** Pause before a question is repeated for which the owner had no place. */
export const askAgainPauseMs = 5;

/** The least time between two requests of a member that make its owner check its files. */
export const repairRequestPauseMs = 100;

/** How long a member waits for the answer to such a request. */
export const repairAnswerMs = 2_000;

/** The first pause while an owner is dying; each further one is twice as long. */
export const dyingOwnerFirstPauseMs = 1;

/** The longest of these pauses: all together take about twice as long. */
export const dyingOwnerLongestPauseMs = 512;

/** How long an owner may take to say who holds its socket before it is stopped. */
export const stopAnswerMs = 2_000;

/** Pause before a request to stop is repeated, after the owner was not there or went without having stopped. */
export const stopPauseMs = 50;

/** How long an owner that must stop may be starting or ending without an answer. */
export const stopSilenceMs = 20_000;

/** The first pause between two looks at ending processes: the system reports the end of children only. */
export const processFirstPauseMs = 2;

/** The longest of these pauses. */
export const processLongestPauseMs = 50;

/** Time after which `ps` counts as not answering. */
export const processTableTimeoutMs = 5_000;

/** Pause between two attempts to connect: about as long as a takeover. */
export const connectPauseMs = 5;

/** How long `inspect` waits for the owner's answer. */
export const inspectTimeoutMs = 2_000;

/** Time limit of an acquire: as long as a person waits before asking what is wrong. */
export const defaultTimeoutMs = 20_000;

/** Time that open connections get at the end: long enough for a request in progress. */
export const defaultDrainTimeoutMs = 5_000;

/** How long references survive without an owner: a takeover takes milliseconds, the rest is for busy machines. */
export const defaultFailoverTimeoutMs = 10_000;

/** Time between two checks of an owner's files: temp cleaners run once a day. */
export const defaultHealIntervalMs = 5_000;

/** Time limit of an attempt to connect. */
export const defaultConnectTimeoutMs = 10_000;

/** How often in a row a server is restarted, or its keeper replaced: enough for bad luck, too few for a broken program. */
export const defaultRestart = 5;

/** What limits of a manager are if they are not given. */
export const defaultLimits = {
  maxSockets: 1_024,
  maxReferencesPerSocket: 65_536,
  maxMembersPerSocket: 1_024,
  maxConnectionsPerSocket: 4_096,
  maxPendingAcquires: 4_096,
  cleanupConcurrency: 16,
};
