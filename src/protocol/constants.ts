// Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.

/** Version of the files and messages. */
export const protocolVersion = 1;

/** Behind the name of the data socket: the control socket. */
export const controlSuffix = '.ctl';

/** Behind the name of the data socket: the lock file. */
export const lockSuffix = '.lock';

/** Before the digits of a private directory. */
export const privatePrefix = '.sr-';

/** How each record begins; a file that begins otherwise is no lock file, and is left alone. */
export const recordMagic = '{"sockref":';

/** The environment variable that tells a server's processes the number of its group. */
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

/** Members that `holders` names at most; the rest is a number, so that the message keeps its limit. */
export const maxListedMembers = 200;

/** Members that an owner tells in one turn of its event loop: some hundred microseconds, which hold up nothing else. */
export const membersToldPerTurn = 20;

/**
 * Places for connections that are no member's, beyond one for each member that there may be: after the loss of an
 * owner all members may come at once, and these places are for processes that only ask.
 */
export const spareUnidentifiedPlaces = 64;

/**
 * The part of all descriptors of the process that those connections may take: without a free descriptor no member can
 * connect, and those that it serves need theirs.
 */
export const unidentifiedDescriptorShare = 0.25;

/** Places that those connections have under any limit of descriptors: so few more make no difference. */
export const fewUnidentifiedPlaces = 8;

/** Bytes of a record; each repair of a lost file adds some 200. */
export const maxRecordBytes = 65_536;

/** How often the lock file may be replaced between open and lock before it counts as busy. */
export const maxLockReplacements = 32;

/**
 * Connections that the kernel may keep until they are accepted; the system cuts it to its own maximum. Many processes
 * that start at once must not meet a full queue.
 */
export const socketBacklog = 4_096;

/** Bytes of a path in a socket's address on Linux, without its terminating zero. */
export const maxSocketPathBytesLinux = 107;

/** The same on macOS. */
export const maxSocketPathBytesMacos = 103;

/** Hexadecimal digits of a name that is generated: as many as a UUID has, so that nothing can guess or meet it. */
export const generatedNameDigits = 32;

/** Hexadecimal digits of a private directory, and of the names that are bound in it. */
export const privateNameDigits = 16;

/** Lock files of nameless sockets that one acquire tries, so that it stays fast beside thousands of live sockets. */
export const maxNamelessTried = 8;

/** Factor from one pause of a claim to the next. */
export const claimPauseGrowth = 1.5;

/** Factor from one look at processes to the next. */
export const processPauseGrowth = 1.5;

/** Looks that must find no process of a server: one that ends while it makes another may hide both from a single look. */
export const emptyProcessLooks = 2;

/** How often a call that cannot wait looks for processes that were made while it killed others. */
export const processLooksAtExit = 3;

/**
 * Part of `healIntervalMs` by which the intervals of several owners spread, so that they do not all look in one
 * moment.
 */
export const healIntervalSpread = 0.2;

/** The longest time that an option or a record may give: that of a timer of Node. */
export const maxTimerMs = 2_147_483_647;

/**
 * How long a connection may stay that is no member's, before its `hello` and after its answer; long enough for a busy
 * machine.
 */
export const unidentifiedTimeoutMs = 10_000;

/** The least time between two rounds that tell the count, for each member: telling stays a small part of the time. */
export const roundPausePerMemberMs = 0.05;

/** The first pause between two attempts of a claim: about what an owner that is starting needs. */
export const claimFirstPauseMs = 1;

/** The longest pause between two attempts of a claim. */
export const claimLongestPauseMs = 50;

/** Added to the first pause after a failover, for each member that competes, so that hundreds do not come at once. */
export const claimPausePerMemberMs = 0.05;

/**
 * How long one that cannot serve waits for a successor once it saw an owner go: members that depended on that owner
 * take over within a few milliseconds, but may come to the lock later than it.
 */
export const successionMs = 250;

/**
 * How long a successor waits for the members that depended on its predecessor: many times the longest pause of a
 * claim.
 */
export const successorGraceMs = 1_000;

/** Pause before an owner is asked again that had no place for the question. */
export const askAgainPauseMs = 5;

/** The least time between two requests of a member that its owner look after its files. */
export const repairRequestPauseMs = 100;

/** How long a member waits for the answer to that. */
export const repairAnswerMs = 2_000;

/** The first pause for an owner that is dying; the pauses double. */
export const dyingOwnerFirstPauseMs = 1;

/** The longest of them: together they are about two of it. */
export const dyingOwnerLongestPauseMs = 512;

/** How long an owner may take to say who holds its socket before it is stopped. */
export const stopAnswerMs = 2_000;

/** Pause before an owner is asked again to stop that was not there, or went without having stopped. */
export const stopPauseMs = 50;

/** How long an owner that is to be stopped may be on its way in or out without an answer. */
export const stopSilenceMs = 20_000;

/** The first pause between two looks at processes that are ending: no event tells about a process that is not a child. */
export const processFirstPauseMs = 2;

/** The longest of them. */
export const processLongestPauseMs = 50;

/** After which `ps` counts as not answering. */
export const processTableTimeoutMs = 5_000;

/** Pause between two attempts to connect: about what a takeover needs. */
export const connectPauseMs = 5;

/** How long `inspect` waits for the owner's answer. */
export const inspectTimeoutMs = 2_000;

/** Of an acquire: as long as a person waits before asking what is wrong. */
export const defaultTimeoutMs = 20_000;

/** Of open connections at the end: long enough for a request under way. */
export const defaultDrainTimeoutMs = 5_000;

/** Of references without an owner: a takeover needs milliseconds, the rest is for busy machines. */
export const defaultFailoverTimeoutMs = 10_000;

/** Between two looks of an owner after its files: temp cleaners come once a day. */
export const defaultHealIntervalMs = 5_000;

/** Of an attempt to connect. */
export const defaultConnectTimeoutMs = 10_000;

/** What limits of a manager are if they are not given. */
export const defaultLimits = {
  maxSockets: 1_024,
  maxReferencesPerSocket: 65_536,
  maxMembersPerSocket: 1_024,
  maxConnectionsPerSocket: 4_096,
  maxPendingAcquires: 4_096,
  cleanupConcurrency: 16,
};
