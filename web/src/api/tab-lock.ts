/** A lock held by one browser tab at a time. */

/** A tab that is closed in between keeps the others waiting for so long. */
const LONGEST_TURN_MS = 10_000;
/** Until then a claim is seen by every tab, and of several made at once the last one stands. */
const SETTLED_MS = 50;

/** The work's outcome, once no other tab does what has this name. */
export async function withTabLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = navigator.locks as LockManager | undefined; // only where the page came over https, or from this machine
  if (locks) return locks.request(name, work) as Promise<T>;
  const release = await claim(name);
  try {
    return await work();
  } finally {
    release();
  }
}

interface Claim {
  holder: string;
  since: number;
}

async function claim(name: string): Promise<() => void> {
  const holder = Math.random().toString(36);
  const isMine = () => claimOf(name)?.holder === holder;
  for (;;) {
    if (!claimOf(name)) {
      try {
        localStorage.setItem(name, JSON.stringify({ holder, since: Date.now() } satisfies Claim));
      } catch {
        return () => undefined; // without storage tabs know nothing of each other
      }
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS * (1 + Math.random())));
    if (isMine()) return () => isMine() && localStorage.removeItem(name);
  }
}

function claimOf(name: string): Claim | null {
  try {
    const claim = JSON.parse(localStorage.getItem(name) ?? "null") as Claim | null;
    return claim && Math.abs(Date.now() - claim.since) < LONGEST_TURN_MS ? claim : null;
  } catch {
    return null;
  }
}
