/** Accepts, declines or blocks shares, and reloads the affected lists. */
import { keys, queryClient } from "@/api/queries";
import { attempt } from "@/ui/attempt";

/** Carries a decision out and has the lists it may concern loaded again. Answers whether it succeeded. */
export async function decide(work: () => Promise<unknown>, done: string): Promise<boolean> {
  const succeeded = await attempt(work, done);
  for (const queryKey of [keys.invitations, keys.shared, keys.blocked]) await queryClient.invalidateQueries({ queryKey });
  return succeeded;
}
