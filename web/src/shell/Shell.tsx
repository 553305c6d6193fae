/** Frame of every page: navigation, search, notifications, account menu, uploads. */
import { i18n } from "@lingui/core";
import {
  Bell, Bug, ChevronDown, FolderClosed, Image, Keyboard, LogOut, Menu as MenuIcon, Monitor, Moon, Search, Settings, Shield, Sun, Trash2,
  Users, WifiOff,
} from "lucide-react";
import { type ReactNode, Suspense, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { liveState, onLiveState } from "@/api/live";
import { queryClient, useAccount, useFile } from "@/api/queries";
import { logOut } from "@/api/session";
import { VerifyBanner } from "@/auth/VerifyEmail";
import { DialogHost, openDialog } from "@/files/dialogs";
import { folderDrop } from "@/files/dragging";
import { beginOffline } from "@/lib/offline";
import { useOnline } from "@/lib/online";
import { folderIdOf, HOME, PHOTOS, SHARED } from "@/lib/places";
import { Link, navigate, useWhere } from "@/lib/router";
import { type Theme, setTheme, useTheme } from "@/lib/theme";
import { useUnread } from "@/notices/unread";
import { UsageBar } from "@/shell/UsageBar";
import { attempt } from "@/ui/attempt";
import { ErrorBoundary } from "@/ui/boundary";
import { Form } from "@/ui/form";
import { Logo } from "@/ui/logo";
import { loadMenus, Menu } from "@/ui/menu";
import { part } from "@/ui/part";
import { uploads as uploadQueue, useUploads } from "@/uploads/queue";
import { closeViewer, viewedIn } from "@/viewer/viewer-address";

const NoticeCentre = part(() => import("@/notices/NoticeCentre"));
const Viewer = part(() => import("@/viewer/Viewer"));
const UploadPanel = part(() => import("@/uploads/UploadPanel"));

const THEMES: { id: Theme; label: string; icon: ReactNode }[] = [
  { id: "system", label: /*i18n*/ "System", icon: <Monitor size={16} /> },
  { id: "light", label: /*i18n*/ "Light", icon: <Sun size={16} /> },
  { id: "dark", label: /*i18n*/ "Dark", icon: <Moon size={16} /> },
];

export function Shell({ children }: { children: ReactNode }) {
  const { path } = useWhere();
  const [navOpen, setNavOpen] = useState(false);
  const { id } = useAccount();
  const uploads = useUploads();
  const main = useRef<HTMLElement>(null);
  useEffect(() => setNavOpen(false), [path]);
  useEffect(() => void uploadQueue.takeUp(id), [id]);
  useEffect(loadMenus, []);
  useEffect(() => void beginOffline(() => void queryClient.invalidateQueries()), []);
  useEffect(() => void import("@/settings/push").then(({ renew }) => renew(id)), [id]);
  return (
    <div className={navOpen ? "shell nav-open" : "shell"}>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        {i18n.t("Skip to content")}
      </a>
      <TopBar onMenu={() => setNavOpen(!navOpen)} navOpen={navOpen} />
      <SideBar path={path} />
      {navOpen && <div className="scrim" onClick={() => setNavOpen(false)} />}
      <main className="main" id="main" ref={main} tabIndex={-1}>
        <OfflineBanner />
        <VerifyBanner />
        {children}
      </main>
      {uploads.visible && (
        <ErrorBoundary>
          <Suspense fallback={null}>
            <UploadPanel />
          </Suspense>
        </ErrorBoundary>
      )}
      <ViewerHost />
      <DialogHost />
    </div>
  );
}

/** The file that the address names, over the page. */
function ViewerHost() {
  const viewed = viewedIn(useWhere().query);
  if (!viewed) return null;
  return (
    <ErrorBoundary onFailed={closeViewer} at={viewed.fileId}>
      <Suspense fallback={null}>
        <Viewer {...viewed} />
      </Suspense>
    </ErrorBoundary>
  );
}

function OfflineBanner() {
  const online = useOnline();
  const live = useSyncExternalStore(onLiveState, liveState);
  if (online && live !== "offline") return null;
  return (
    <p className="offline-banner" role="status">
      <WifiOff size={16} aria-hidden="true" />
      {online
        ? i18n.t("Can’t reach DocStore. Trying again…")
        : i18n.t("You’re offline. What you see may be out of date; uploads continue once you’re back online.")}
    </p>
  );
}

function TopBar({ onMenu, navOpen }: { onMenu: () => void; navOpen: boolean }) {
  return (
    <header className="topbar">
      <button className="icon-button only-small" aria-label={i18n.t("Navigation")} aria-expanded={navOpen} onClick={onMenu}>
        <MenuIcon size={20} />
      </button>
      <Link href="/files" className="topbar-logo" aria-label={i18n.t("DocStore: my files")}>
        <Logo />
      </Link>
      <SearchField />
      <div className="topbar-end">
        <NoticeButton />
        <AccountMenu />
      </div>
    </header>
  );
}

function SearchField() {
  const { path, query } = useWhere();
  const shown = path === "/search" ? (query.get("q") ?? "") : "";
  const [text, setText] = useState(shown);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(shown), [shown]);
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (typing || event.ctrlKey || event.metaKey || (event.key !== "/" && event.key !== "?")) return;
      event.preventDefault();
      if (event.key === "?") openDialog({ kind: "keys" });
      else input.current?.focus();
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <Form
      role="search"
      className="search-field"
      onSubmit={() => {
        if (text.trim()) navigate(`/search?q=${encodeURIComponent(text.trim())}`);
      }}
    >
      <Search size={18} aria-hidden="true" />
      <input
        ref={input}
        type="search"
        aria-label={i18n.t("Search files")}
        placeholder={i18n.t("Search files")}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </Form>
  );
}

function NoticeButton() {
  const [open, setOpen] = useState(false);
  const bell = useRef<HTMLButtonElement>(null);
  const unread = useUnread();
  return (
    <>
      <button
        ref={bell}
        className="icon-button"
        aria-label={unread ? i18n.t("Notifications: {unread} unread", { unread }) : i18n.t("Notifications")}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Bell size={20} />
        {unread > 0 && <span className="badge" aria-hidden="true">{unread > 99 ? "99+" : unread}</span>}
      </button>
      {open && (
        <ErrorBoundary onFailed={() => setOpen(false)}>
          <Suspense fallback={null}>
            <NoticeCentre trigger={bell} onClose={() => setOpen(false)} />
          </Suspense>
        </ErrorBoundary>
      )}
    </>
  );
}

function AccountMenu() {
  const account = useAccount();
  const theme = useTheme();
  const name = account.display_name || account.email;
  return (
    <Menu
      label={i18n.t("Account")}
      className="account-button"
      button={
        <>
          <span className="avatar" aria-hidden="true">
            {name.slice(0, 1).toUpperCase()}
          </span>
          <ChevronDown size={16} aria-hidden="true" />
        </>
      }
      heading={
        <div className="menu-heading">
          <strong>{name}</strong>
          <span>{account.email}</span>
        </div>
      }
      choices={[
        {
          id: "settings",
          label: i18n.t("Settings"),
          icon: <Settings size={16} />,
          run: () => navigate("/settings/profile"),
        },
        {
          id: "keys",
          label: i18n.t("Keyboard shortcuts"),
          icon: <Keyboard size={16} />,
          run: () => openDialog({ kind: "keys" }),
        },
        { id: "api", label: "API", icon: <Bug size={16} />, run: () => window.open("/docs", "_blank", "noopener") },
        ...THEMES.map(({ id, label, icon }, index) => ({
          id,
          label: i18n.t(label),
          icon,
          apart: index === 0,
          checked: theme === id,
          run: () => setTheme(id),
        })),
        {
          id: "log-out",
          label: i18n.t("Log out"),
          icon: <LogOut size={16} />,
          apart: true,
          run: () => void attempt(logOut),
        },
      ]}
    />
  );
}

function SideBar({ path }: { path: string }) {
  const account = useAccount();
  const folder = useFile(folderIdOf(path)).data;
  const area = folder ? (folder.owner_id === account.id ? HOME : SHARED) : path;
  const places = [
    { href: HOME, label: i18n.t("My files"), icon: <FolderClosed size={18} />, drop: account.id },
    { href: PHOTOS, label: i18n.t("Photos"), icon: <Image size={18} /> },
    { href: SHARED, label: i18n.t("Shared with me"), icon: <Users size={18} /> },
    { href: "/trash", label: i18n.t("Trash"), icon: <Trash2 size={18} /> },
    ...(account.role === "admin" ? [{ href: "/admin", label: i18n.t("Administration"), icon: <Shield size={18} /> }] : []),
  ];
  return (
    <nav className="sidebar" aria-label={i18n.t("Places")}>
      <ul>
        {places.map(({ href, label, icon, drop }) => (
          <li key={href}>
            <Link
              href={href}
              className="nav-link"
              aria-current={area === href || area.startsWith(`${href}/`) ? "page" : undefined}
              {...(drop ? folderDrop({ id: drop, name: "" }) : {})}
            >
              {icon}
              {label}
            </Link>
          </li>
        ))}
      </ul>
      <UsageBar />
    </nav>
  );
}
