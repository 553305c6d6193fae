/** The QR code of a link's address, drawn here: the address is sent to no server. */
import { i18n } from "@lingui/core";
import { encode } from "uqr";

export default function QrCode({ value }: { value: string }) {
  const { data, size } = encode(value, { border: 4 });
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg
      className="qr-code"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={i18n.t("QR code of the link")}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={dark} fill="#000" />
    </svg>
  );
}
