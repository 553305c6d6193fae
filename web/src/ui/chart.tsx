/** A line chart; loaded only where one is shown. */
import { i18n } from "@lingui/core";
import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Series } from "@/api/types";
import { count, size } from "@/lib/format";
import { useTheme } from "@/lib/theme";

const HEIGHT_PX = 190;
const COLOURS = ["--accent", "--good", "--warn", "--danger"];

interface Props {
  title: string;
  report: Pick<Series, "unit" | "times" | "series">;
}

export default function Chart({ title, report }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const show = report.unit === "bytes" ? size : count;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const colour = (name: string) => {
      element.style.color = `var(${name})`; // a canvas takes colours only as they are computed
      return getComputedStyle(element).color;
    };
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        axes: [axis, { ...axis, size: 64, values: (_, values) => values.map((value) => show(value)) }],
        series: [
          {},
          ...report.series.map(({ name }, index) => ({
            label: name,
            stroke: colour(COLOURS[index % COLOURS.length] ?? "--accent"),
            width: 2,
            value: (_: UPlot, value: number | null) => (value === null ? "–" : show(value)),
          })),
        ],
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
        cursor: { y: false },
      },
      [report.times.map((time) => Date.parse(time) / 1000), ...report.series.map(({ values }) => values)],
      element,
    );
    element.style.color = "";
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [report, show, theme]);

  const last = report.series.map(({ name, values }) => `${name}: ${show(values.at(-1) ?? 0)}`).join(", ");
  return (
    <figure className="chart">
      <figcaption>
        {title}
        <span className="sr-only"> {last ? i18n.t("At the end {last}.", { last }) : i18n.t("At the end nothing.")}</span>
      </figcaption>
      <div ref={box} aria-hidden="true" />
    </figure>
  );
}
