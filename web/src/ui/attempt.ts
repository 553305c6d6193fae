/** Does what a button asks for and says how it went. */
import { reason } from "@/api/problem";
import { toast } from "@/ui/toasts";

/** Runs `work`; shows `done` or the reason why it failed. Answers whether it succeeded. */
export async function attempt(work: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await work();
    toast(done);
    return true;
  } catch (error) {
    toast(reason(error), { tone: "error" });
    return false;
  }
}
