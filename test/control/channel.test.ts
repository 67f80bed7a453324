import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Channel, type ChannelEvents } from '#src/control/channel.js';
import { MalformedMessage } from '#src/control/messages.js';
import { deferred } from '#src/deferred.js';
import { maxMessageBytes } from '#src/protocol/constants.js';
import { withDirectory } from '../helpers/directory.js';
import { keeping, socketPair } from '../helpers/parts.js';
import { readAll } from '../helpers/serve.js';

/** Understands a line that is not `bad`. */
function parse(line: string): string {
  if (line === 'bad') throw new MalformedMessage('it is bad', 7);
  return line;
}

interface Ends {
  readonly channel: Channel<string>;
  readonly peer: Socket;
  readonly heard: string[];
  /** The reason of the close. */
  readonly closed: Promise<MalformedMessage | undefined>;
}

/** A channel, and the bare socket at its other end. */
function withChannel(test: (ends: Ends) => Promise<void>, events: Partial<ChannelEvents<string>> = {}): Promise<void> {
  return withDirectory(async (directory) => {
    const [peer, socket] = await socketPair(directory);
    const heard: string[] = [];
    const closed = deferred<MalformedMessage | undefined>();
    let closes = 0;
    const channel = new Channel<string>(socket, parse, {
      message: (message) => void heard.push(message),
      refuse: () => undefined,
      closed: (malformed) => {
        closes++;
        closed.resolve(malformed);
      },
      ...events,
    });
    peer.on('error', () => {});
    await test({ channel, peer, heard, closed: closed.promise });
    peer.destroy();
    channel.destroy();
    await closed.promise;
    expect(closes).toBe(1);
  });
}

describe('a channel', () => {
  it('receives each line, in any chunks, and none after its end', () =>
    withChannel(async ({ peer, heard, closed }) => {
      peer.write('one\ntw');
      peer.write('o\nthree\n');
      peer.end('unfinished');
      expect(await closed).toBeUndefined();
      expect(heard).toEqual(['one', 'two', 'three']);
    }));

  it('sends a line for each message, and a last one', () =>
    withChannel(async ({ channel, peer, closed }) => {
      const said = readAll(peer);
      channel.send({ type: 'a' });
      channel.end({ type: 'b', text: '\n' });
      channel.send({ type: 'never' });
      expect(await said).toBe('{"type":"a"}\n{"type":"b","text":"\\n"}\n');
      await closed;
      // No peer to send to: only `closed` reports that to the user of the channel.
      channel.send({ type: 'never' });
      channel.end();
    }));

  it('ends without a message', () =>
    withChannel(async ({ channel, peer, closed }) => {
      const said = readAll(peer);
      channel.end();
      expect(await said).toBe('');
      expect(await closed).toBeUndefined();
    }));

  it('receives nothing more once a message has closed it, even from the same chunk', () => {
    const ends: { channel?: Channel<string> } = {};
    const heard: string[] = [];
    return withChannel(
      async ({ channel, peer, closed }) => {
        ends.channel = channel;
        peer.write('one\ntwo\nthree\n');
        await closed;
        expect(heard).toEqual(['one', 'two']);
      },
      {
        message: (message) => {
          if (heard.push(message) === 2) ends.channel?.destroy();
        },
      },
    );
  });

  it('knows when its peer does not read, and when it has read', () =>
    withChannel(async ({ channel, peer }) => {
      expect(channel.backedUp).toBe(false);
      let sent = 0;
      for (; !channel.backedUp; sent++) channel.send({ text: 'x'.repeat(10_000) });
      expect(sent).toBeLessThan(1_000);
      let reads = 0;
      const read = new Promise<void>((resolve) =>
        channel.whenRead(() => {
          reads++;
          resolve();
        }),
      );
      peer.resume();
      await read;
      expect(channel.backedUp).toBe(false);
      while (!channel.backedUp) channel.send({ text: 'x'.repeat(10_000) });
      await new Promise<void>((resolve) => channel.whenRead(resolve));
      expect(reads).toBe(1);
    }));

  it('keeps the process alive, or not', () =>
    withChannel(async ({ channel }) => {
      const both = keeping('PipeWrap');
      channel.keepAlive(false);
      expect(keeping('PipeWrap')).toBe(both - 1);
      channel.keepAlive(true);
      expect(keeping('PipeWrap')).toBe(both);
    }));
});

describe('a peer that cannot be understood', () => {
  it('is told why, and then ignored', () =>
    withChannel(
      async ({ peer, heard, closed }) => {
        const said = readAll(peer);
        peer.write('good\nbad\nlater\n');
        peer.write('much later\n');
        expect(await said).toBe('{"type":"failed"}\n');
        expect(await closed).toMatchObject({ message: 'it is bad', theirs: 7 });
        expect(heard).toEqual(['good']);
      },
      { refuse: () => ({ type: 'failed' }) },
    ));

  it('is told nothing if there is no answer', () =>
    withChannel(async ({ peer, closed }) => {
      const said = readAll(peer);
      peer.write('bad\n');
      expect(await said).toBe('');
      expect(await closed).toBeInstanceOf(MalformedMessage);
    }));

  it.each([
    ['too much', Buffer.alloc(maxMessageBytes + 1, 'x')],
    ['what is no UTF-8', Buffer.from([0xff, 0x0a])],
  ])('may have sent %s', (_, bytes) =>
    withChannel(async ({ peer, closed }) => {
      peer.write(bytes);
      expect(await closed).toBeInstanceOf(MalformedMessage);
    }),
  );

  it('is not blamed for a mistake of ours', () => {
    class Ends extends Duplex {
      override _read(): void {}
    }
    for (const mistake of [new TypeError('x is not a function'), new Error('no'), 'text']) {
      const socket = new Ends();
      let refused = false;
      new Channel(socket as unknown as Socket, parse, {
        message: () => {
          throw mistake;
        },
        refuse: () => {
          refused = true;
          return undefined;
        },
        closed: () => {},
      });
      let thrown: unknown;
      try {
        socket.emit('data', Buffer.from('good\n'));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBe(mistake);
      expect(refused).toBe(false);
    }
  });

  it('that is gone before the answer does no harm', () =>
    withChannel(
      async ({ channel, peer, closed }) => {
        // Data that came before our end is read after it.
        channel.end();
        peer.write('bad\n');
        await once(peer.resume(), 'close');
        expect(await closed).toBeInstanceOf(MalformedMessage);
      },
      { refuse: () => ({ type: 'failed' }) },
    ));
});
