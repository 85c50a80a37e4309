import { type Redis, ReplyError } from 'ioredis';

export interface Introduction {
  /** As the server's operators see it in `CLIENT LIST`. */
  readonly name: string;
  /** Empty: the default user. */
  readonly username: string;
  /** Empty: none is given. */
  readonly password: string;
  readonly db: number;
}

/**
 * Says on a new connection who we are, one command after the other. A server that refuses a client at
 * the door (protected mode, too many clients) says why and closes: a second command on its way would
 * run into the closed door, and break the connection before the reason is read.
 *
 * @throws {ReplyError} Redis refuses
 */
export async function introduce(redis: Redis, who: Introduction): Promise<void> {
  const { name, username, password, db } = who;
  if (password !== '') await authenticate(redis, username, password);
  if (db !== 0) await redis.select(db);
  await redis.client('SETNAME', name).catch(unless(MAY_NOT));
}

async function authenticate(redis: Redis, username: string, password: string): Promise<void> {
  const answer = username === '' ? redis.auth(password) : redis.auth(username, password);
  await answer.catch(unless(NEEDS_NONE));
}

/** A user whom the access list grants no more than we need has no name. */
const MAY_NOT = /^(NOPERM|ERR unknown)/;
/** Redis 6 and later, and before: the password of a server that asks for none. */
const NEEDS_NONE = /^ERR (AUTH .*called without any password|Client sent AUTH, but no password)/;

function unless(harmless: RegExp): (error: unknown) => void {
  return (error) => {
    const isAnswer = error instanceof Error && error instanceof ReplyError;
    if (!isAnswer || !harmless.test(error.message)) throw error;
  };
}
