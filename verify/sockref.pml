/*
 * The ownership protocol of one endpoint: claim, attach, publish, stop, crash, failover, and (with
 * CLEANINGS > 0) an outside cleaner, the owner's self-check and a deposed owner.
 *
 * One STEP is one system call, or one tick of one event loop; other processes run between any two steps, and a process
 * can die before any of them. Nothing else is atomic. verify/README.md maps the steps to the sources and says
 * what is left out. verify/run.mjs explores this model, and the mutants that must fail.
 *
 * d_step groups the bookkeeping of one step: no other process sees a part of it alone.
 *
 * Switches (-D): PROCS, CRASHES, CYCLES, CLEANINGS, and one of the mutants named MUTANT_*.
 */

#ifndef PROCS
#define PROCS 3                         /* users of the endpoint */
#endif
#ifndef CRASHES
#define CRASHES 2                       /* how many of them may be killed */
#endif
#ifndef CYCLES
#define CYCLES 2                        /* how often each may acquire */
#endif
#ifndef CLEANINGS
#define CLEANINGS 0                     /* how many of the three names an outside program removes */
#endif

#define LAST_CLAIMANT PROCS             /* a fresh claimant: it runs alone, when all others are gone */
#define ALL     (PROCS + 1)
#define NONE    255                     /* no inode, no process */
#define LOST    254                     /* a connection whose other end has closed */

/* ---- What is on disk ------------------------------------------------------------------------------------------- */

byte lockAt = NONE;                     /* the inode that app.sock.lock names */
byte ctlAt  = NONE;                     /* the inode that app.sock.ctl names */
byte dataAt = NONE;                     /* the inode that app.sock names */
int  privDirs = 0;                      /* private directories (.sr-XXXXXX), one bit per process */
byte privSock[ALL] = NONE;              /* the socket named inside the private directory of a process */
byte privData[ALL] = NONE;              /* the data socket beside it, when both are published together */

/* Lock-file inodes. One that no name and no descriptor refers to is free for the next create. */
#if CLEANINGS > 0
#define LOCKS (2 * PROCS + 1)
#else
#define LOCKS (PROCS + 1)
#endif
byte holder[LOCKS] = NONE;              /* the kernel's lock: at most one holder, dropped when it dies */
int  rec[LOCKS];                        /* the record in the file: a set of BIT(socket) and DIR(process) */

/*
 * Socket inodes. An identity is device, inode and birth time, so it is never used twice. The number here gives the process
 * and the kind. A number that a name, a record or a process still refers to is not used again.
 */
#define CTL  0
#define DATA 1
#define GENS 3
#define SOCKET(p, kind, gen) ((((p) * 2) + (kind)) * GENS + (gen))
#define MAKER(socket)        ((socket) / (2 * GENS))
#define BIT(socket)          (1 << (socket))
#define DIR(p)               (1 << (24 + (p)))
#define SOCKETS_OF(p)        (((1 << (2 * GENS)) - 1) << ((p) * 2 * GENS))
int listening = 0;                      /* sockets that accept connections */

/* ---- What the processes know ------------------------------------------------------------------------------------ */

mtype = { OUT, STARTING, SERVING, STOPPING, DEAD };
mtype role[ALL] = OUT;
byte fd[ALL]    = NONE;                 /* the lock file that a process has open */
#if CLEANINGS > 0
byte fd2[ALL]   = NONE;                 /* a second one, while it gets its lock back */
#endif
int  mine[ALL];                         /* identities it has published and not yet removed, in its memory */
byte conn[ALL]  = NONE;                 /* a control connection: the socket it reached, before `welcome` */
byte memberOf[ALL]  = NONE;                 /* the owner that counts this member */
bit  own[ALL];                          /* a reference, held or being acquired, of the owner's process itself */
byte cycles[PROCS + 1] = CYCLES;
byte ended = 0;                         /* users that finished or died */
byte crashes = CRASHES;
byte cleanings = CLEANINGS;
#define CLEANED (cleanings < CLEANINGS)

/* ---- Observers: they only watch ---------------------------------------------------------------------------------- */

byte owners = 0;                        /* processes that believe that they are the owner: from the re-check to the unlink of their lock file */
bit  unrepaired = 0;                    /* an owner died while no name led to its record: two faults at once */

#ifdef MUTANT_NO_RECHECK
#define FAULTED         true
#else
#define FAULTED         unrepaired
#endif
#define SELF            (1 << me)
#define ALIVE(p)        (role[p] != DEAD)
#define ACCEPTS(socket) (socket != NONE && (listening & BIT(socket)))
#define WELCOMES(p)     (role[p] == STARTING || role[p] == SERVING)
#define IN(set, socket) (socket != NONE && ((set) & BIT(socket)))
#define HOLDS(p)        (memberOf[0] == p || (PROCS > 1 && memberOf[1 % PROCS] == p) || (PROCS > 2 && memberOf[2 % PROCS] == p))
#define TOTAL_ZERO(p)   (!own[p] && !HOLDS(p))

/* A process dies before any step. The kernel drops its lock, its listeners and its connections; names and files stay. */
#define CRASH atomic { crashes > 0 && me != LAST_CLAIMANT -> d_step { crashes--; die() }; goto gone }
#define STEP(...) if :: atomic { __VA_ARGS__ } :: CRASH fi

#if CLEANINGS > 0
#define OPEN_BY_ANY(l)  (fd[i] == l || fd2[i] == l)
#define LEADS_TO_RECORD (lockAt == fd[me] && (fd2[me] == NONE || (mine[me] & ~rec[fd[me]]) == 0))
#else
#define OPEN_BY_ANY(l)  (fd[i] == l)
#define LEADS_TO_RECORD (lockAt == fd[me])
#endif

/* An inode that nothing refers to is gone, and its record with it. */
inline forgetIfFree(l) {
  i = 0;
  do
  :: i < ALL && !OPEN_BY_ANY(l) -> i++
  :: else -> break
  od;
  if
  :: i == ALL && lockAt != l -> rec[l] = 0
  :: else
  fi;
  i = 0
}

/* A new inode for a lock file, in `n`. */
inline newLockFile() {
  n = 0;
  do
  :: i = 0;
     do
     :: i < ALL && !OPEN_BY_ANY(n) -> i++
     :: else -> break
     od;
     if
     :: i == ALL && lockAt != n -> break
     :: else -> n++; assert(n < LOCKS)
     fi
  od;
  i = 0
}

/* open(O_RDWR|O_CREAT|O_NOFOLLOW) of the lock file. */
inline openLockFile() {
  if
  :: lockAt == NONE -> newLockFile(); lockAt = n; n = 0
  :: else
  fi;
  fd[me] = lockAt
}

/* close() of a lock file; it releases the lock on it. */
inline closeLockFile(f) {
  n = f;
  f = NONE;
  if
  :: n != NONE && holder[n] == me -> holder[n] = NONE
  :: else
  fi;
  if
  :: n != NONE -> forgetIfFree(n)
  :: else
  fi;
  n = 0
}

/* All listeners and control connections of this process end; each peer notices in one of its later steps. */
inline closeConnections() {
  listening = listening & ~SOCKETS_OF(me);
  i = 0;
  do
  :: i < PROCS ->
     if
     :: memberOf[i] == me -> memberOf[i] = LOST
     :: else
     fi;
     if
     :: conn[i] < LOST && MAKER(conn[i]) == me -> conn[i] = LOST
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0
}

inline unlinkLockName() {
  n = lockAt;
  lockAt = NONE;
  if
  :: n != NONE -> forgetIfFree(n)
  :: else
  fi;
  n = 0
}

inline die() {
  if
  :: (owners & SELF) && !LEADS_TO_RECORD -> unrepaired = 1
  :: else
  fi;
  closeConnections();
  closeLockFile(fd[me]);
#if CLEANINGS > 0
  closeLockFile(fd2[me]);
#endif
  owners = owners & ~SELF;
  mine[me] = 0; conn[me] = NONE; memberOf[me] = NONE; own[me] = 0; cycles[me] = 0;
  again = 0; exists = 0;
  role[me] = DEAD
}

/* I2: a process unlinks only its own socket, or one of a dead process that the record under the lock names. */
#define I2(socket) \
  assert(socket == NONE || MAKER(socket) == me || (!ALIVE(MAKER(socket)) && IN(rec[fd[me]], socket)))

/* Observer: the lock file is removed while its record names what a dead owner left. */
inline seeRecordLost() {
  i = 0;
  do
  :: i < ALL && lockAt != NONE ->
     if
     :: !ALIVE(i) && (rec[lockAt] & (SOCKETS_OF(i) | DIR(i))) -> unrepaired = 1
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0
}

/*
 * I2 for the lock file: the process that unlinks it holds it. Between stat and unlink an outside cleaner can still
 * remove it, and a successor can make its own. A living successor then repairs it. If the successor died meanwhile, its
 * record is lost.
 */
inline i2Lock() {
  assert(lockAt == NONE || holder[lockAt] == me || CLEANED);   /* I2 */
  if
  :: lockAt != NONE && holder[lockAt] != me -> seeRecordLost()
  :: else
  fi
}

#define ALL_DIRS (DIR(0) | DIR(1) | DIR(2) | DIR(3))

inline removePrivateSockets() {
  do
  :: i < ALL ->
     if
     :: rec[fd[me]] & DIR(i) -> privSock[i] = NONE; privData[i] = NONE
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0
}

/* bind() and listen() inside the private directory: a new identity. */
inline newSocket(kind, private) {
  n = 0;
  i = 0;
  do                                    /* skips every identity that a record or this process still names */
  :: i < LOCKS -> used = used | rec[i]; i++
  :: else -> break
  od;
  used = used | mine[me];
  do
  :: (used & BIT(SOCKET(me, kind, n))) || ctlAt == SOCKET(me, kind, n) || dataAt == SOCKET(me, kind, n) ->
     n++;
     assert(n < GENS)
  :: else -> break
  od;
  private = SOCKET(me, kind, n);
  mine[me] = mine[me] | BIT(private);
  listening = listening | BIT(private);
  n = 0; i = 0; used = 0
}

#define NAME_DIRECTORY rec[fd[me]] = rec[fd[me]] | DIR(me)
#define MAKE_DIRECTORY privDirs = privDirs | DIR(me)
#define NAME_SOCKET    rec[fd[me]] = rec[fd[me]] | BIT(privSock[me])
#define NAME_BOTH      rec[fd[me]] = rec[fd[me]] | BIT(privSock[me]) | BIT(privData[me])
#define LINK(at, private) \
  if \
  :: at == NONE -> at = private \
  :: else -> exists = 1                 /* EEXIST: link() never replaces */ \
  fi

/* A private directory: its name goes to the record before it exists. */
inline makePrivateDirectory() {
#ifdef MUTANT_DIRECTORY_UNNAMED
  STEP(MAKE_DIRECTORY);
  STEP(NAME_DIRECTORY);
#else
  STEP(NAME_DIRECTORY);                 /* append to the record */
  STEP(MAKE_DIRECTORY);                 /* mkdir */
#endif
}

/* src/files/publish.ts: make both sockets visible under their final names. Leaves `exists` set if one was taken. */
inline publishBoth() {
  makePrivateDirectory();
  STEP(d_step { newSocket(CTL, privSock[me]) });        /* bind, listen, chmod, lstat */
  STEP(d_step { newSocket(DATA, privData[me]) });
#ifdef MUTANT_RECORD_AFTER_LINK
  STEP(LINK(ctlAt, privSock[me]));
  STEP(if :: !exists -> LINK(dataAt, privData[me]) :: else fi);
  STEP(NAME_BOTH);
#else
  STEP(NAME_BOTH);                      /* append to the record */
  STEP(LINK(ctlAt, privSock[me]));      /* link */
  STEP(if :: !exists -> LINK(dataAt, privData[me]) :: else fi);
#endif
  STEP(privSock[me] = NONE);            /* unlink the private names */
  STEP(privData[me] = NONE);
  STEP(privDirs = privDirs & ~DIR(me))  /* rmdir */
}

#if CLEANINGS > 0
/* The same for one of them that was lost. */
inline publish(at, kind) {
  makePrivateDirectory();
  STEP(d_step { newSocket(kind, privSock[me]) });       /* bind, listen, chmod, lstat */
  STEP(NAME_SOCKET);                    /* append to the record */
  STEP(LINK(at, privSock[me]));         /* link */
  STEP(privSock[me] = NONE);            /* unlink the private name */
  STEP(privDirs = privDirs & ~DIR(me))  /* rmdir */
}
#endif

#ifdef MUTANT_DEPOSED_LEAVES_SOCKETS
#define RECLAIMABLE (rec[fd[me]] | mine[me])    /* the first design: it removes from memory what it had published, once it is owner again */
#else
#define RECLAIMABLE rec[fd[me]]
#endif

/* src/files/leftovers.ts: remove from one of the two names what the dead owner's record names. */
inline reclaim(at) {
  if
#ifdef MUTANT_UNLINK_BY_NAME
  :: at != NONE -> STEP(I2(at); at = NONE)
#else
  :: IN(RECLAIMABLE, at) -> STEP(I2(at); at = NONE)                             /* lstat, then unlink */
#ifdef MUTANT_GIVE_UP_EARLY
  :: at != NONE && !IN(RECLAIMABLE, at) -> goto taken_by_another
#else
  :: at != NONE && !IN(RECLAIMABLE, at)
#endif
#endif
  :: at == NONE
  :: CRASH
  fi
}

/* src/files/leftovers.ts: remove the private directory that the record names. */
inline reclaimDirectories() {
  if
  :: rec[fd[me]] & ALL_DIRS & privDirs ->
     STEP(d_step { removePrivateSockets() });      /* unlink what is inside it */
     STEP(privDirs = privDirs & ~(rec[fd[me]] & ALL_DIRS))                      /* rmdir */
  :: !(rec[fd[me]] & ALL_DIRS & privDirs)
  :: CRASH
  fi
}

/* src/ownership/owner.ts: remove this process's own socket from one of the two names. */
inline withdraw(at) {
  if
#ifdef MUTANT_UNLINK_BY_NAME
  :: at != NONE -> STEP(I2(at); at = NONE)
#else
  :: IN(mine[me], at) -> STEP(I2(at); at = NONE)                                /* lstat, then unlink */
  :: at != NONE && !IN(mine[me], at)
#endif
  :: at == NONE
  :: CRASH
  fi
}

proctype Process(byte me) {
  byte i = 0, n = 0;
  int used = 0;
  bit again = 0;                        /* start over at claim after this end, with the reference intact */
  bit exists = 0;                       /* link() found the name taken */
#ifdef MUTANT_STOP_IN_LATER_TICK
  bit decided = 0;
#endif

  if
  :: atomic { me == LAST_CLAIMANT && ended == PROCS && cleanings == 0 -> crashes = 0 }
  :: me != LAST_CLAIMANT
  fi;

/* ---- No reference in this process: src/endpoint/endpoint.ts ------------------------------------------------------ */
idle:
  if
  :: atomic { cycles[me] > 0 -> cycles[me]--; own[me] = 1; goto attach }        /* acquire */
  :: atomic { me != LAST_CLAIMANT || cycles[me] == 0 -> goto done }
  fi;

/* ---- Claim, step 2: attach. src/ownership/attach.ts, src/ownership/membership.ts ------------------------------------------ */
attach:
  STEP(                                 /* connect to the control socket */
    if
    :: ACCEPTS(ctlAt) -> conn[me] = ctlAt
    :: else -> goto openLock            /* no such name, or refused */
    fi
  );
  STEP(                                 /* the owner's tick that reads `hello`: it answers and counts in one */
    if
    :: conn[me] == LOST -> conn[me] = NONE; goto openLock
    :: conn[me] != LOST && !WELCOMES(MAKER(conn[me])) -> conn[me] = NONE; goto openLock        /* `stopping` */
    :: conn[me] != LOST && WELCOMES(MAKER(conn[me])) ->        /* `welcome` */
       assert(me != LAST_CLAIMANT);
       memberOf[me] = MAKER(conn[me]);
       conn[me] = NONE;
       own[me] = 0
    fi
  );
  goto member;

/* ---- Claim, steps 3 and 4: the lock. src/ownership/claim.ts, src/files/locking.ts -------------------------------------- */
openLock:
  STEP(d_step { openLockFile() });
  STEP(                                 /* try the lock */
    if
    :: holder[fd[me]] == NONE -> holder[fd[me]] = me
    :: else -> d_step { closeLockFile(fd[me]) }; goto wait
    fi
  );
  STEP(                                 /* I1: compare fstat(fd) with stat(path); the record is read under the lock */
#ifndef MUTANT_NO_RECHECK
    if
    :: fd[me] != lockAt -> d_step { closeLockFile(fd[me]) }; goto attach
    :: else
    fi;
#endif
    assert(owners == 0 || CLEANED);     /* I1 */
    owners = owners | SELF
  );
  goto reclaim_data;

wait:   /* Trying again changes nothing until one of these is true. A waiter has nothing open, so it need not die here:
         * it can at its next step. A process that waits for ever is reported as an invalid end state. */
  (lockAt == NONE || holder[lockAt] == NONE || (ACCEPTS(ctlAt) && WELCOMES(MAKER(ctlAt))));
  goto attach;

/* ---- Claim, steps 4 and 5: reclaim. src/files/leftovers.ts, src/files/record.ts, src/files/identity.ts -------------- */
reclaim_data:
  reclaim(dataAt);
  reclaim(ctlAt);
  reclaimDirectories();
  STEP(rec[fd[me]] = 0; mine[me] = 0);  /* truncate; only now is it safe to give up again */
  STEP(if :: dataAt != NONE -> goto taken_by_another :: else fi);
  STEP(if :: ctlAt != NONE -> goto taken_by_another :: else fi; role[me] = STARTING);

/* ---- Claim, step 6: publish. src/ownership/owner.ts, src/files/publish.ts ------------------------------------------- */
  publishBoth();
  if
  :: atomic { exists -> exists = 0; goto taken_by_another }
  :: atomic { !exists -> role[me] = SERVING }
  fi;

/* ---- The owner's life. src/ownership/owner.ts ------------------------------------------------------------------------ */
serving:
  do
  :: atomic { own[me] -> own[me] = 0 }                                          /* close */
  :: atomic { !own[me] && cycles[me] > 0 -> cycles[me]--; own[me] = 1 }         /* acquire again */
#ifdef MUTANT_STOP_IN_LATER_TICK
  :: atomic { TOTAL_ZERO(me) && !decided -> decided = 1 }
  :: atomic { decided -> decided = 0; role[me] = STOPPING; assert(TOTAL_ZERO(me)); goto stop }        /* I3 */
#else
  :: atomic { TOTAL_ZERO(me) -> role[me] = STOPPING; assert(TOTAL_ZERO(me)); goto stop }       /* I3 */
#endif
#if CLEANINGS > 0
  /* The check of the files: src/ownership/repair.ts. A check that finds nothing wrong changes nothing and is left out. */
  :: atomic { lockAt == NONE -> goto repair_lock }
  :: atomic { lockAt != NONE && lockAt != fd[me] -> goto deposed }
  :: atomic { lockAt == fd[me] && ctlAt == NONE -> goto repair_ctl }
  :: atomic { lockAt == fd[me] && dataAt == NONE -> goto repair_data }
#endif
  :: CRASH
  od;

/* ---- The end. src/ownership/owner-end.ts ----------------------------------------------------------------------------- */
stop:
  withdraw(dataAt);
  withdraw(ctlAt);
end_of_owner:
#ifdef MUTANT_UNLOCK_BEFORE_UNLINK
  STEP(holder[fd[me]] = NONE);
#endif
  if
  :: lockAt == fd[me] -> STEP(d_step { i2Lock(); unlinkLockName(); owners = owners & ~SELF })   /* stat, then unlink */
  :: lockAt != fd[me]
  :: CRASH
  fi;
  STEP(                                 /* release the lock, end every connection */
    owners = owners & ~SELF;
    d_step { closeConnections() };
    d_step { closeLockFile(fd[me]) };
    role[me] = OUT
  );
#ifdef MUTANT_CLOSE_BY_NAME
  STEP(I2(ctlAt); ctlAt = NONE);        /* what server.close() does to the path that it was bound to */
#endif
  STEP(
#ifndef MUTANT_DEPOSED_LEAVES_SOCKETS
    mine[me] = 0;
#endif
    if
    :: again -> again = 0; goto attach
    :: else -> goto idle
    fi
  );

/* ---- A socket that no record names. src/ownership/claim.ts ----------------------------------------------------------- */
taken_by_another:
#ifndef MUTANT_NO_RECHECK               /* this mutant comes here before it meets a second owner: let it continue */
  assert(CLEANED);                      /* I4: never, as long as no other program interferes */
#endif
  STEP(                                 /* I4, I3 */
    role[me] = STOPPING;
    if
#ifdef MUTANT_FAIL_WITHOUT_THE_LOCK
    :: ACCEPTS(ctlAt) || (ctlAt == NONE && dataAt == NONE) -> again = own[me]
#elif !defined(MUTANT_FRESH_LOCK_FAILS)
    :: lockAt != fd[me] || ACCEPTS(ctlAt) || (ctlAt == NONE && dataAt == NONE) -> again = own[me]
#endif
    :: else -> assert(FAULTED); own[me] = 0      /* I4: ADDRESS_IN_USE only for files that no live process can remove */
    fi
  );
  goto stop;

#if CLEANINGS > 0
/* ---- Repair. src/ownership/repair.ts ------------------------------------------------------------------------------------ */
repair_lock:                            /* the same open, try and compare as in a claim, at the same path */
  STEP(
    if
    :: lockAt == NONE -> d_step { newLockFile(); lockAt = n; n = 0 }
    :: else
    fi;
    fd2[me] = lockAt
  );
  STEP(
    if
    :: holder[fd2[me]] == NONE -> holder[fd2[me]] = me
    :: else -> d_step { closeLockFile(fd2[me]) }; goto deposed                  /* another process was faster */
    fi
  );
  STEP(
    if
    :: fd2[me] != lockAt -> d_step { closeLockFile(fd2[me]) }; goto repair_lock
    :: else -> n = fd[me]; fd[me] = fd2[me]; fd2[me] = n; n = 0                 /* fd2 is now the old one */
    fi
  );
  reclaim(dataAt);                      /* the owner in between may be dead already */
  reclaim(ctlAt);
  reclaimDirectories();
  STEP(rec[fd[me]] = 0);                /* truncate */
  STEP(rec[fd[me]] = mine[me]);         /* append */
  STEP(d_step { closeLockFile(fd2[me]) });
  goto serving;
repair_ctl:
  publish(ctlAt, CTL);
  exists = 0;
  goto serving;
repair_data:
  publish(dataAt, DATA);
  exists = 0;
  goto serving;

deposed:
  STEP(role[me] = STOPPING; again = own[me]);
#ifdef MUTANT_DEPOSED_LEAVES_SOCKETS
  goto end_of_owner;
#else
  goto stop;
#endif
#endif

/* ---- A member's life, failover. src/ownership/membership.ts --------------------------------------------------------------- */
member:
  do
  :: atomic { memberOf[me] == LOST -> memberOf[me] = NONE; own[me] = 1; goto attach }   /* start over, the reference intact */
  :: atomic { memberOf[me] != NONE -> memberOf[me] = NONE; goto idle }                  /* close: `bye`, and the owner's tick */
  :: CRASH
  od;

done:
  atomic {                              /* I4: a process that ends alive leaves nothing */
    assert(!IN(SOCKETS_OF(me), dataAt) && !IN(SOCKETS_OF(me), ctlAt));            /* I4 */
    assert(privSock[me] == NONE && privData[me] == NONE && !(privDirs & DIR(me)));  /* I4 */
    if
    :: me == LAST_CLAIMANT ->
       assert(unrepaired || (lockAt == NONE && ctlAt == NONE && dataAt == NONE && privDirs == 0))   /* I4 */
    :: else
    fi
  };
gone:
  ended++
}

#if CLEANINGS > 0
/* A program that does not know sockref, and removes names. */
proctype Cleaner() {
  byte i = 0, n = 0;

  do
  :: atomic { cleanings > 0 -> cleanings--; d_step { seeRecordLost(); unlinkLockName() } }
  :: atomic { cleanings > 0 -> cleanings--; ctlAt = NONE }
  :: atomic { cleanings > 0 -> cleanings--; dataAt = NONE }
  :: cleanings == 0 -> break
  od
}
#endif

init {
  atomic {
    byte q = 0;
    do
    :: q < ALL -> run Process(q); q++
    :: else -> break
    od;
#if CLEANINGS > 0
    run Cleaner()
#endif
  }
}
