import { type CallContext, delay, MulticloudError } from "@multicloud/core/plugin";
import { outcomeUnknown } from "./client.js";

const tries = 3;

/**
 * Gives what `find` finds, or makes it. A creation whose answer never came, or that somebody else did first
 * (409, 422), is looked for before it is tried again: nothing is made twice.
 */
export async function findOrCreate<T>(
  context: CallContext,
  find: () => Promise<T | undefined>,
  create: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    const found = await find();
    if (found !== undefined) return found;
    try {
      return await create();
    } catch (error) {
      const duplicate = MulticloudError.isInstance(error) && (error.status === 409 || error.status === 422);
      if (!outcomeUnknown(error) && !duplicate) throw error;
      if (tried >= tries) throw error;
      if (duplicate) {
        const made = await find();
        if (made === undefined) throw error;
        return made;
      }
      await delay(lookAgainMs(tried), context.signal);
    }
  }
}

/** Milliseconds until a creation of unknown outcome must be visible: half a second, then a second, then two. */
export const lookAgainMs = (tried: number) => 250 * 2 ** tried;
