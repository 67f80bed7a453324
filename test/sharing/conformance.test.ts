import { afterAll, describe, expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { type Kind, type Participant, participant } from '../helpers/participant.js';
import { Player, playable, scenarios } from '../helpers/scenario.js';

/** Who plays: the kind of the first participant, of the second, and of the others if it is another one. */
const casts: readonly (readonly [Kind, Kind, Kind?])[] = [
  ['same', 'same'],
  ['manager', 'manager'],
  ['copy', 'copy'],
  ['thread', 'thread'],
  ['process', 'process'],
  ['same', 'copy'],
  ['copy', 'process'],
  ['thread', 'copy'],
  ['thread', 'process'],
  ['process', 'copy'],
  ['process', 'thread'],
  ['python', 'python'],
  ['process', 'python'],
  ['python', 'process'],
  // The successor of one language may have members of both.
  ['process', 'python', 'process'],
  ['python', 'process', 'python'],
];

/** Starting a process or a worker takes longer than a scenario, so those that outlived one play the next. */
const idle = new Map<string, Participant>();

async function engage(name: string, kind: Kind): Promise<Participant> {
  const key = `${name} ${kind}`;
  const found = idle.get(key) ?? (await participant(name, kind));
  idle.delete(key);
  return found;
}

async function dismiss(who: Participant): Promise<void> {
  expect(await who.call({ do: 'reset' }), `${who.name} kept something`).toMatchObject({ sockets: 0 });
  idle.set(`${who.name} ${who.kind}`, who);
}

afterAll(async () => {
  for (const who of idle.values()) await who.end();
});

for (const [first, second, others = second] of casts) {
  describe(others === second ? `${first} with ${second}` : `${first} with ${second} and ${others}`, () => {
    const kindOf = (name: string): Kind => (name === 'a' ? first : name === 'b' ? second : others);
    for (const scenario of scenarios().filter((one) => playable(one, kindOf))) {
      test(scenario.name, () =>
        withDirectory(async (directory) => {
          const cast = new Map<string, Participant>();
          for (const name of scenario.participants) cast.set(name, await engage(name, kindOf(name)));
          const player = new Player(directory, cast);
          try {
            await player.play(scenario.steps);
          } catch (error) {
            // What failed in the middle is in no state to play again.
            await Promise.all([...cast.values()].map((who) => who.end()));
            throw error;
          }
          for (const name of player.standing) await dismiss(cast.get(name) as Participant);
        }),
      );
    }
  });
}
