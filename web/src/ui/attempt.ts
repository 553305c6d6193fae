/** Runs a button's action and shows the result as a toast. */
import { reason } from "@/api/problem";
import { toast } from "@/ui/toasts";

/** Runs `work`; shows `done`, if given, or the reason why it failed. Returns whether it succeeded. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work();
    if (done) toast(done);
    return true;
  } catch (error) {
    toast(reason(error), { tone: "error" });
    return false;
  }
}
