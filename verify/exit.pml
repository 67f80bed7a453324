/*
 * The registry at exit: what a thread removes at process.exit() or at the end of a worker, while other threads of the
 * process continue. Threads share the numbers of their descriptors. A closed number goes to the next file that any
 * thread opens.
 *
 * One STEP is one tick of a thread's event loop: a thread can only end, or be terminated, between two of them. Each
 * thread has its own endpoint. verify/README.md maps the steps to the sources.
 *
 * Switches (-D): THREADS, CYCLES, and one of the mutants named MUTANT_*.
 */

#ifndef THREADS
#define THREADS 3
#endif
#ifndef CYCLES
#define CYCLES 2                        /* how often each thread acquires and closes its endpoint */
#endif

#define NONE 255
#define FDS  THREADS                    /* descriptor numbers: each thread has at most one open */

/* ---- The process: its descriptors. The value is the inode that is open there. ------------------------------------- */

byte table[FDS] = NONE;
byte opener[FDS] = NONE;                /* the thread that opened it: Node closes what a terminated worker had open */

/* ---- On disk: each endpoint has a lock file and a socket. The inode of a thread's lock file has the thread's number. - */

bit lockFile[THREADS];                  /* the lock file has its name */
bit socket[THREADS];                    /* the socket has its name */
bit record[THREADS];                    /* the record in the lock file names the socket */

/* ---- What the threads know ----------------------------------------------------------------------------------------- */

mtype = { RUNNING, EXITED, TERMINATED };
mtype state[THREADS] = RUNNING;
byte fd[THREADS] = NONE;                /* the number under which the lock file is open, in the memory of its owner */
byte registered[THREADS] = NONE;        /* the number in the registry at exit of each thread */

/* The thread ends between two ticks, at process.exit() or by terminate(). */
#define STEP(...) \
  if \
  :: atomic { __VA_ARGS__ } \
  :: atomic { goto exits } \
  :: atomic { goto terminated } \
  fi

/* open(): the lowest number that is free. */
inline open() {
  n = 0;
  do
  :: table[n] != NONE -> n++; assert(n < FDS)
  :: else -> break
  od;
  table[n] = me;
  opener[n] = me;
  fd[me] = n;
  n = 0
}

inline close(number) {
  table[number] = NONE;
  opener[number] = NONE
}

/* src/files/held-locks.ts: what the record of a registered lock names is removed, then the lock file. */
inline cleanUpAtExit() {
  if
  :: registered[me] != NONE ->
     n = table[registered[me]];
     assert(n != NONE);                 /* I2: the descriptor in the registry is open */
     assert(n == me);                   /* I2: it is that of the thread's own lock file */
     if
     :: record[n] -> socket[n] = 0; record[n] = 0
     :: else
     fi;
     lockFile[n] = 0;
     close(registered[me]);
     registered[me] = NONE;
     n = 0
  :: else
  fi
}

proctype Thread(byte me) {
  byte n = 0;
  byte cycles = CYCLES;

  do
  :: cycles > 0 ->
     cycles--;
     STEP(                              /* src/files/locking.ts: open, lock and compare, without a pause in between */
       d_step { open(); lockFile[me] = 1 };
#ifndef MUTANT_REGISTERED_IN_LATER_TICK
       registered[me] = fd[me]
#endif
     );
#ifdef MUTANT_REGISTERED_IN_LATER_TICK
     STEP(registered[me] = fd[me]);
#endif
     STEP(record[me] = 1);              /* append to the record, then link */
     STEP(socket[me] = 1);
     STEP(socket[me] = 0; record[me] = 0);        /* the end: withdraw the socket */
     STEP(                              /* unlink the lock file, close the descriptor, leave the registry */
       lockFile[me] = 0;
       close(fd[me]);
       fd[me] = NONE;
#ifndef MUTANT_CLOSED_STILL_REGISTERED
       registered[me] = NONE
#endif
     );
#ifdef MUTANT_CLOSED_STILL_REGISTERED
     STEP(registered[me] = NONE);
#endif
  :: cycles == 0 -> goto exits
  od;

exits:
  skip;
  d_step {
    cleanUpAtExit();
    state[me] = EXITED
  };
  assert(!lockFile[me] && !socket[me]);           /* I4: exit leaves nothing */
  goto gone;

terminated:                             /* no handler runs; Node closes what the worker had open, and the lock with it */
  skip;
  d_step {
    n = 0;
    do
    :: n < FDS ->
       if
       :: opener[n] == me -> close(n)
       :: else
       fi;
       n++
    :: else -> break
    od;
    n = 0;
    state[me] = TERMINATED
  };
  assert(!socket[me] || (lockFile[me] && record[me]));  /* I4: what stays is named for the next owner */
gone:
  skip
}

init {
  atomic {
    byte t = 0;
    do
    :: t < THREADS -> run Thread(t); t++
    :: else -> break
    od
  }
}
