// Follows the simulator: what changed since the last answer, for as long as the page is open.

const LONGEST_ANSWER = 20_000;
const POLL_PAUSE = 1_000;
const SHORTEST_RETRY = 250;
const LONGEST_RETRY = 3_000;

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/**
 * Calls `onChange(answer, isFirst)` for each answer and `onConnection(isUp)` when it comes or goes.
 * `isFirst` means: forget what was there, this is everything.
 */
export async function follow(onChange, onConnection) {
  let last = null;
  let retry = SHORTEST_RETRY;
  for (;;) {
    try {
      const answer = await changes(last);
      const isFirst = last === null;
      if (!isFirst && (answer.store !== last.store || answer.revision < last.revision)) {
        last = null; // other data under the same address: start over
        continue;
      }
      last = answer;
      retry = SHORTEST_RETRY;
      onChange(answer, isFirst);
      onConnection(true);
      if (answer.polling) await pause(POLL_PAUSE);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof Refused)) throw error;
      onConnection(false);
      await pause(retry);
      retry = Math.min(retry * 2, LONGEST_RETRY);
    }
  }
}

class Refused extends Error {}

async function changes(last) {
  const query = last === null ? "" : `?since=${last.revision}`;
  const response = await fetch(`/sim/slack/changes${query}`, { signal: AbortSignal.timeout(LONGEST_ANSWER) });
  if (!response.ok) throw new Refused(`status ${response.status}`);
  return response.json();
}

/** Posts to the simulator; `{ error }` in words when it did not work. */
export async function post(path, body) {
  try {
    const response = await fetch(`/sim/slack/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return await response.json();
  } catch {
    return { error: "The simulator does not answer" };
  }
}

/** What to tell the person about an outcome; null when all went well. */
export function trouble(outcome) {
  if (!outcome.error) return null;
  if (outcome.error === "operation_timeout") return "Switchman did not answer within 3 seconds.";
  if (outcome.error === "dispatch_failed") {
    return outcome.status ? `Switchman answered with status ${outcome.status}.` : "Switchman cannot be reached.";
  }
  return outcome.error;
}
