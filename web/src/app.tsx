/** The root component: log-in state and routes. */
import { i18n } from "@lingui/core";
import { Fragment, Suspense, useCallback, useEffect, useState } from "react";
import { listen } from "@/api/live";
import { queryClient, useAccount, useMe } from "@/api/queries";
import { onLoggedOut, resume } from "@/api/session";
import { VERIFY_PATH, VerifyPage } from "@/auth/VerifyEmail";
import { openDialog } from "@/files/dialogs";
import { activate, preferred, useLanguage } from "@/i18n/locale";
import { ErrorBoundary } from "@/ui/boundary";
import { fileIdOf, folderIdOf, FORGOT_PATH, HOME, pathAddressOf, pathHref, PHOTOS, RESET_PATH, SHARED } from "@/lib/places";
import { navigate, useWhere } from "@/lib/router";
import { Shell } from "@/shell/Shell";
import { part } from "@/ui/part";
import { Empty, Failed, Spinner } from "@/ui/states";
import { Toasts } from "@/ui/toasts";
import { uploads } from "@/uploads/queue";

const AuthPage = part(() => import("@/auth/AuthPage"));
const ForgottenPage = part(() => import("@/auth/ForgottenPage"));
const FilesPage = part(() => import("@/files/FilesPage"));
const Redirect = part(() => import("@/files/Redirect"));
const SharedPage = part(() => import("@/files/SharedPage"));
const PhotosPage = part(() => import("@/photos/PhotosPage"));
const TrashPage = part(() => import("@/trash/TrashPage"));
const SearchPage = part(() => import("@/search/SearchPage"));
const SettingsPage = part(() => import("@/settings/SettingsPage"));
const AdminPage = part(() => import("@/admin/AdminPage"));

type Login = "unknown" | "in" | "out";

export function App() {
  const [login, setLogin] = useState<Login>("unknown");
  const [error, setError] = useState<unknown>(null);
  const { path } = useWhere();
  // A change of the language renders all texts again.
  const language = useLanguage();

  const begin = useCallback(() => {
    setError(null);
    resume().then((found) => setLogin(found ? "in" : "out"), setError);
  }, []);
  useEffect(begin, [begin]);
  useEffect(
    () =>
      onLoggedOut(() => {
        setLogin("out");
        queryClient.clear();
        uploads.forget();
        openDialog(null);
      }),
    [],
  );

  let page;
  // Any account may be logged in here: the link may be another person's, or of a person who lost the other devices.
  if (path === RESET_PATH || path === FORGOT_PATH) page = <ForgottenPage path={path} />;
  else if (error) page = <Failed error={error} onRetry={begin} />;
  else if (login === "unknown") page = <Spinner />;
  else if (login === "out") page = <AuthPage mode={path === "/sign-up" ? "sign-up" : "log-in"} onDone={() => setLogin("in")} />;
  else page = <Inside />;
  return (
    <Fragment key={language}>
      <ErrorBoundary>
        <Suspense fallback={<Spinner />}>{page}</Suspense>
      </ErrorBoundary>
      <Toasts />
    </Fragment>
  );
}

function Inside() {
  const me = useMe();
  const { path } = useWhere();
  useEffect(listen, []);
  const own = me.data?.language;
  useEffect(() => {
    void activate(preferred(own)).catch(() => undefined);
  }, [own]);
  if (me.error && !me.data) return <Failed error={me.error} onRetry={() => void me.refetch()} />;
  if (!me.data) return <Spinner />;
  return (
    <Shell>
      <ErrorBoundary at={path}>
        <Suspense fallback={<Spinner />}>
          <Page />
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}

function Page() {
  const account = useAccount();
  const { path, query } = useWhere();
  const isStart = ["/", "/log-in", "/sign-up"].includes(path);
  useEffect(() => {
    // The object store sends a form's browser to /?path=FOLDER.
    if (isStart) navigate(pathHref(query.get("path") ?? "/"), { replace: true });
  }, [isStart, query]);
  if (isStart) return null;
  if (path === VERIFY_PATH) return <VerifyPage />;
  if (path === SHARED) return <SharedPage />;
  if (path === PHOTOS) return <PhotosPage />;
  const folderId = path === HOME ? account.id : folderIdOf(path);
  if (folderId) return <FilesPage key={folderId} folderId={folderId} />;
  if (fileIdOf(path) || pathAddressOf(path)) return <Redirect key={path} path={path} />;
  if (path === "/trash") return <TrashPage />;
  if (path === "/search") return <SearchPage />;
  if (path.startsWith("/settings")) return <SettingsPage section={path.split("/")[2] ?? "profile"} />;
  if (path.startsWith("/admin")) return <AdminPage section={path.split("/")[2] ?? "overview"} />;
  return <Empty title={i18n.t("Page not found")} />;
}
