/** Transfer rate over the last seconds. */
export class Rate {
  private samples: { at: number; bytes: number }[] = [];

  constructor(private readonly windowMs = 15_000) {}

  add(bytes: number, now = performance.now()): void {
    this.samples.push({ at: now, bytes });
    while (this.samples.length && now - (this.samples[0]?.at ?? now) > this.windowMs) this.samples.shift();
  }

  perSecond(now = performance.now()): number {
    const recent = this.samples.filter((sample) => now - sample.at <= this.windowMs);
    const [first] = recent;
    if (!first) return 0;
    const seconds = Math.max(0.5, (now - first.at) / 1000);
    return recent.reduce((sum, sample) => sum + sample.bytes, 0) / seconds;
  }
}
