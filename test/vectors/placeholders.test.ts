import { readFileSync } from 'node:fs';
import { SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { misspeltPlaceholder } from '#src/serving/placeholders.js';

interface Case {
  readonly command: string[];
  readonly given?: string;
  readonly meant?: string;
}

const cases: Case[] = JSON.parse(readFileSync(new URL('./placeholders.json', import.meta.url), 'utf8'));

it.each(cases)('$command', ({ command, given, meant }) => {
  expect(misspeltPlaceholder(command)).toEqual(given === undefined ? undefined : { given, meant });
});

it('is refused before anything is started', async () => {
  await using manager = new SocketManager();
  await expect(manager.acquire('a.sock', { server: { command: ['serve', '{sock}'] } })).rejects.toMatchObject({
    code: 'ERR_SOCKREF_INVALID_OPTION',
    option: 'server.command',
    message:
      'The option "server.command" must be a command with {socket}, and is one with {sock}, which stands for nothing',
  });
});
