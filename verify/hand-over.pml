/*
 * The hand-over of a lock to a keeper. A claimant holds the lock, starts a keeper that inherits the open lock file, and
 * closes its own descriptor. The lock belongs to the open file description that both share, so it is never free in between.
 *
 * Claims are as in sockref.pml, in fewer steps: the endpoint has one socket, and no private directory. One STEP is one
 * system call, or one tick of one event loop. A process can be killed before any STEP.
 * verify/README.md maps the steps to the sources.
 *
 * Switches (-D): CLAIMANTS (1 or 2), CRASHES, EXITS, STARTS, CLEANINGS, and one of the mutants named MUTANT_*.
 */

#ifndef CRASHES
#define CRASHES 2                       /* how many processes may be killed */
#endif
#ifndef EXITS
#define EXITS 1                         /* how many claimants may call process.exit() at any moment */
#endif
#ifndef STARTS
#define STARTS 2                        /* how many keepers each claimant may start */
#endif
#ifndef CLEANINGS
#define CLEANINGS 0                     /* how often an outside program removes the lock file's name */
#endif

#ifndef CLAIMANTS
#define CLAIMANTS 2                     /* the processes that acquire, each once */
#endif
#define KEEPER(claimant, number) (CLAIMANTS + (claimant) * STARTS + (number))
#define LAST_CLAIMANT (CLAIMANTS + CLAIMANTS * STARTS)  /* acquires last, undisturbed; starts no keeper */
#define ALL     (LAST_CLAIMANT + 1)
#define NONE    255

/* ---- On disk. Lock files are numbered in the order of their creation; a socket has the number of its keeper. ------- */

#define LOCKS 6
byte lockAt = NONE;                     /* the inode that app.sock.lock names */
byte socketAt = NONE;                   /* the keeper whose socket app.sock.ctl names */
int  rec[LOCKS];                        /* the record in a lock file: keepers whose socket it names, one bit each */

/* ---- Open lock files. A description is what open() makes; descriptors of several processes may share it. ------------ */

#define DESCRIPTIONS 6
byte inode[DESCRIPTIONS] = NONE;        /* what it is open on; NONE: it is closed everywhere */
int  sharers[DESCRIPTIONS];             /* the processes that have it open, one bit each */
byte holder[LOCKS] = NONE;              /* the description that has the kernel's lock */
byte fd[ALL] = NONE;                    /* the description of each process */

/* ---- What the processes know ----------------------------------------------------------------------------------------- */

mtype = { ABSENT, BOOTING, STARTING, SERVING, LEFT, FAILED, DEAD };
mtype keeper[ALL] = ABSENT;             /* the state of each keeper; others see only its end and its answers */
bit  registered[ALL];                   /* the lock is in the registry at exit of its process */
byte memberOf[CLAIMANTS] = NONE;            /* the keeper that counts a claimant as a member */
bit  came[ALL];                         /* a first member has attached to this keeper */
byte ended = 0;
byte alive = 0;                         /* keepers that run */
byte crashes = CRASHES;
byte exits = EXITS;
byte cleanings = CLEANINGS;

/* ---- Observers -------------------------------------------------------------------------------------------------------- */

int  owners = 0;                        /* keepers that believe that they are the owner, one bit each */
int  orphaned = 0;                      /* those of them whose lock file lost its name meanwhile */
bit  unrepaired = 0;                    /* one of these died: two faults at once, which cannot be repaired */

#define BIT(p)      (1 << (p))
#define SELF        BIT(me)
#define WELCOMES(k) (k != NONE && (keeper[k] == STARTING || keeper[k] == SERVING))
#define LISTENS(k)  (k != NONE && (keeper[k] == STARTING || keeper[k] == SERVING || keeper[k] == LEFT))
#define LAST        (CLAIMANTS - 1)
#define HELD(k)     (memberOf[0] == k || memberOf[LAST] == k)
#define CLEANED     (cleanings < CLEANINGS)

#define CRASH atomic { crashes > 0 && me != LAST_CLAIMANT -> crashes--; goto killed }
#define STEP(...) if :: atomic { __VA_ARGS__ } :: CRASH fi
/* Between two ticks a claimant may also exit; it then cleans up what is registered. */
#define EXIT atomic { exits > 0 && me != LAST_CLAIMANT -> exits--; goto exits_now }
#define TICK(...) if :: atomic { __VA_ARGS__ } :: CRASH :: EXIT fi

inline openLockFile() {
  if
  :: lockAt == NONE ->
     n = 0;
     do                                 /* an inode that no name, description or record refers to */
     :: i = 0;
        do
        :: i < DESCRIPTIONS && inode[i] != n -> i++
        :: else -> break
        od;
        if
        :: i == DESCRIPTIONS -> break
        :: else -> n++; assert(n < LOCKS)
        fi
     od;
     lockAt = n;
     rec[n] = 0
  :: else
  fi;
  n = 0;
  do
  :: inode[n] != NONE -> n++; assert(n < DESCRIPTIONS)
  :: else -> break
  od;
  inode[n] = lockAt;
  sharers[n] = SELF;
  fd[me] = n;
  n = 0; i = 0
}

/* close(): the kernel drops the lock with the last descriptor of the description. */
inline close() {
  n = fd[me];
  fd[me] = NONE;
  registered[me] = 0;
  if
  :: n != NONE ->
     sharers[n] = sharers[n] & ~SELF;
     if
     :: sharers[n] == 0 ->
        if
        :: holder[inode[n]] == n -> holder[inode[n]] = NONE
        :: else
        fi;
        inode[n] = NONE
     :: else
     fi
  :: else
  fi;
  n = 0
}

/* The lock of the shared description is released at once, even if another process has it open. */
inline unlock() {
  if
  :: holder[inode[fd[me]]] == fd[me] -> holder[inode[fd[me]]] = NONE
  :: else
  fi
}

/* I2: a process unlinks only its own socket, or one that a dead keeper left. */
#define I2_SOCKET assert(socketAt == NONE || socketAt == me || keeper[socketAt] == DEAD || keeper[socketAt] == FAILED)
#define I2_LOCK   assert(lockAt == NONE || holder[lockAt] == fd[me] || CLEANED)

/* src/files/leftovers.ts, under the lock: the socket that the record names. */
inline reclaim() {
  if
  :: socketAt != NONE && (rec[inode[fd[me]]] & BIT(socketAt)) -> I2_SOCKET; socketAt = NONE
  :: else
  fi
}

inline unlinkLockFile() {
  if
  :: lockAt == inode[fd[me]] -> I2_LOCK; lockAt = NONE
  :: else
  fi
}

proctype Claimant(byte me) {
  byte i = 0, n = 0;
  byte starts = 0;
  byte mine = NONE;                     /* the keeper that this claimant has started */

  if
  :: atomic { me == LAST_CLAIMANT && ended == CLAIMANTS && alive == 0 && cleanings == 0 -> crashes = 0 }
  :: me != LAST_CLAIMANT
  fi;

/* ---- Attach, as in sockref.pml. src/ownership/attach.ts ----------------------------------------------------------------- */
attach:
  TICK(
    if
    :: WELCOMES(socketAt) -> assert(me != LAST_CLAIMANT); memberOf[me] = socketAt; came[socketAt] = 1; goto member
    :: else
    fi
  );

/* ---- Take the lock, compare, reclaim. src/files/locking.ts, src/files/leftovers.ts ------------------------------------------ */
  TICK(d_step { openLockFile() });
  STEP(
    if
    :: holder[inode[fd[me]]] == NONE -> holder[inode[fd[me]]] = fd[me]
    :: else -> d_step { close() }; goto wait
    fi
  );
  STEP(
    if
    :: lockAt != inode[fd[me]] -> d_step { close() }; goto attach
    :: else
    fi;
    assert(owners == 0 || CLEANED);                                                          /* I1 */
    registered[me] = 1
  );
  TICK(reclaim());
  TICK(
    if                                  /* a socket that no record names: its owner is alive, or there were two faults */
    :: socketAt != NONE ->
       assert(CLEANED);                                                                       /* I4 */
       assert(lockAt != inode[fd[me]] || LISTENS(socketAt) || unrepaired);                      /* I4 */
       unlinkLockFile(); unlock(); d_step { close() };
       if
       :: unrepaired && !LISTENS(socketAt) -> goto done                    /* ADDRESS_IN_USE */
       :: else -> goto wait
       fi
    :: else
    fi;
    rec[inode[fd[me]]] = 0;             /* src/ownership/start-keeper.ts: an old record must not be read as the keeper's */
    if
    :: me == LAST_CLAIMANT || starts == STARTS -> unlinkLockFile(); unlock(); d_step { close() }; goto done
    :: else
    fi
  );

/* ---- Start the keeper. src/ownership/start-keeper.ts: spawn and hand-over are one tick, so exit cannot come in between ----------- */
  STEP(                                 /* fork: the keeper shares the description */
    mine = KEEPER(me, starts);
    starts++;
    d_step { fd[mine] = fd[me]; sharers[fd[me]] = sharers[fd[me]] | BIT(mine) };
    keeper[mine] = BOOTING;
    alive++;
    run Keeper(mine)
  );
  STEP(                                 /* closed, not unlocked */
#ifdef MUTANT_HANDED_OVER_STILL_REGISTERED
    n = fd[me]; d_step { close() }; fd[me] = n; n = 0; registered[me] = 1
#else
#ifdef MUTANT_HANDED_OVER_UNLOCKED
    unlock();
#endif
    d_step { close() }
#endif
  );

/* ---- Its answer, or its end. ------------------------------------------------------------------------------------------- */
  TICK(
    if
    :: keeper[mine] == SERVING || keeper[mine] == STARTING -> goto attach
    :: keeper[mine] == LEFT || keeper[mine] == FAILED -> goto attach
    :: keeper[mine] == DEAD -> goto remove_leftovers
    fi
  );

/* The keeper was killed. src/ownership/remove-leftovers.ts removes what its record names, and makes no lock file. */
remove_leftovers:
  TICK(if :: lockAt == NONE -> goto attach :: else fi; d_step { openLockFile() });
  STEP(
    if
    :: holder[inode[fd[me]]] == NONE -> holder[inode[fd[me]]] = fd[me]
    :: else -> d_step { close() }; goto attach
    fi
  );
  STEP(
    if
    :: lockAt != inode[fd[me]] -> d_step { close() }; goto attach
    :: else -> registered[me] = 1
    fi
  );
  TICK(reclaim());
  TICK(unlinkLockFile(); unlock(); d_step { close() });
  goto attach;

wait:   /* Trying again changes nothing until one of these is true. */
  (lockAt == NONE || holder[lockAt] == NONE || WELCOMES(socketAt));
  goto attach;

member:
  if
  :: atomic { memberOf[me] == NONE -> goto attach }         /* the keeper has ended: start over */
  :: atomic { memberOf[me] != NONE -> memberOf[me] = NONE; goto done }
  :: CRASH
  :: EXIT
  fi;

exits_now:                              /* src/files/held-locks.ts */
  atomic {
    if
    :: registered[me] && fd[me] != NONE && (sharers[fd[me]] & SELF) -> reclaim(); unlinkLockFile(); unlock()
#ifdef MUTANT_HANDED_OVER_STILL_REGISTERED
    :: registered[me] && fd[me] != NONE && !(sharers[fd[me]] & SELF) ->
       if                               /* the number leads to another file by now: here, to the same lock file again */
       :: inode[fd[me]] != NONE -> reclaim(); unlinkLockFile()
       :: else
       fi;
       fd[me] = NONE
#endif
    :: else
    fi
  };
killed:
  atomic {                              /* the kernel closes what the process had */
    d_step { if :: fd[me] != NONE && (sharers[fd[me]] & SELF) -> close() :: else -> fd[me] = NONE fi };
    if
    :: me != LAST_CLAIMANT -> memberOf[me] = NONE
    :: else
    fi
  };
done:
  atomic {
    if
    :: me == LAST_CLAIMANT -> assert(unrepaired || (lockAt == NONE && socketAt == NONE))                /* I4 */
    :: else
    fi;
    ended++
  }
}

/* ---- The keeper. src/keeper/main.ts, src/keeper/keeper-owner.ts --------------------------------------------------------- */
proctype Keeper(byte me) {
  byte i = 0, n = 0;

  STEP(                                 /* src/files/locking.ts: try again; the inherited lock is the same lock */
    if
    :: holder[inode[fd[me]]] == fd[me] || holder[inode[fd[me]]] == NONE -> holder[inode[fd[me]]] = fd[me]
    :: else -> goto leaves
    fi
  );
  STEP(                                 /* and compare: the lock file may have been removed or replaced meanwhile */
#ifndef MUTANT_ADOPTED_WITHOUT_RECHECK
    if
    :: lockAt != inode[fd[me]] -> goto leaves
    :: else
    fi;
#endif
    assert(owners == 0 || CLEANED);                                                          /* I1 */
    owners = owners | SELF;
    registered[me] = 1
  );
  STEP(rec[inode[fd[me]]] = SELF);      /* the record, before the socket has its name */
  STEP(
    if
    :: socketAt == NONE -> socketAt = me; keeper[me] = STARTING
    :: else -> assert(CLEANED); goto fails                                                   /* EEXIST */
    fi
  );

  /* Waits for a first member, and ends without one. After that it lives until no member is left. */
  do
  :: atomic { keeper[me] == STARTING && came[me] -> keeper[me] = SERVING }
  :: atomic { (keeper[me] == SERVING || !came[me]) && !HELD(me) -> keeper[me] = LEFT; break }
#if CLEANINGS > 0
  /* src/ownership/repair.ts, in one step: sockref.pml has it in full. */
  :: atomic { lockAt == NONE -> orphaned = orphaned & ~SELF; d_step { close(); openLockFile() };
              holder[inode[fd[me]]] = fd[me]; rec[inode[fd[me]]] = SELF }
  :: atomic { lockAt != NONE && lockAt != inode[fd[me]] -> keeper[me] = LEFT; break }         /* deposed */
#endif
  :: CRASH
  od;

fails:
  if
  :: atomic { keeper[me] == BOOTING -> keeper[me] = FAILED }
  :: atomic { keeper[me] == LEFT }
  fi;
  STEP(if :: socketAt == me -> socketAt = NONE :: else fi);
  STEP(d_step { unlinkLockFile() }; owners = owners & ~SELF);
leaves:
  atomic {
    if
    :: keeper[me] == BOOTING -> keeper[me] = FAILED
    :: else
    fi;
    owners = owners & ~SELF; orphaned = orphaned & ~SELF;
    d_step { close() };
    goto gone
  };
killed:
  atomic {
    if
    :: (orphaned & SELF) -> unrepaired = 1
    :: else
    fi;
    keeper[me] = DEAD;
    owners = owners & ~SELF; orphaned = orphaned & ~SELF;
    d_step { close() }
  };
gone:
  atomic {                              /* its members notice */
    if
    :: memberOf[0] == me -> memberOf[0] = NONE
    :: else
    fi;
    if
    :: memberOf[LAST] == me -> memberOf[LAST] = NONE
    :: else
    fi;
    alive--
  }
}

#if CLEANINGS > 0
proctype Cleaner() {
  do
  :: atomic { cleanings > 0 ->
       cleanings--;
       if                               /* and with it the record of a dead keeper: two faults as well */
       :: lockAt != NONE && socketAt != NONE && keeper[socketAt] == DEAD && (rec[lockAt] & BIT(socketAt)) -> unrepaired = 1
       :: else
       fi;
       lockAt = NONE;
       orphaned = orphaned | owners
     }
  :: atomic { cleanings > 0 -> cleanings-- }
  :: cleanings == 0 -> break
  od
}
#endif

init {
  atomic {
    run Claimant(0);
#if CLAIMANTS > 1
    run Claimant(1);
#endif
    run Claimant(LAST_CLAIMANT);
#if CLEANINGS > 0
    run Cleaner()
#endif
  }
}
