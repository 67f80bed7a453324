import { afterAll, describe, expect, test } from 'vitest';
import { withDirectory } from './directory.js';
import { type Kind, type Participant, participant } from './participant.js';
import { Player, playable, scenarios } from './scenario.js';

/** The kinds of the participants: the first, the second, and the others if they differ. */
export type Cast = readonly [Kind, Kind, Kind?];

/** Starting a process or a worker takes longer than a scenario, so the survivors of one scenario play the next. */
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

/** Every scenario that these participants can play, as tests. */
export function conforms(casts: readonly Cast[]): void {
  afterAll(async () => {
    for (const who of idle.values()) await who.end();
  });

  for (const [first, second, others = second] of casts) {
    describe(others === second ? `${first} with ${second}` : `${first} with ${second} and ${others}`, () => {
      const kindOf = (name: string): Kind => (name === 'a' ? first : name === 'b' ? second : others);
      for (const scenario of scenarios().filter((one) => playable(one, kindOf))) {
        test(scenario.name, () =>
          withDirectory(async (directory) => {
            const names = scenario.participants;
            // All at once, because the start takes longer than the scenario.
            const players = await Promise.all(names.map((name) => engage(name, kindOf(name))));
            const cast = new Map(names.map((name, index) => [name, players[index] as Participant]));
            const player = new Player(directory, cast);
            try {
              await player.play(scenario.steps);
            } catch (error) {
              // Participants of a failed scenario cannot play again.
              await Promise.all(players.map((who) => who.end()));
              throw error;
            }
            for (const name of player.standing) await dismiss(cast.get(name) as Participant);
          }),
        );
      }
    });
  }
}
