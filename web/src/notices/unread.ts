import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/queries";

const SHOWN = 50;

export const useNotices = () =>
  useQuery({ queryKey: keys.notices, queryFn: () => call("get /v1/notifications", { query: { limit: SHOWN } }) });

export const useUnread = () => useNotices().data?.unread ?? 0;
