"""Settings of the upload service: environment variables `UPLOAD_<NAME>`. All times in seconds."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.settings import ServiceSettings

MIB = 1 << 20


class UploadSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="UPLOAD_")

    redirect_secrets: SecretStr = Field(
        SecretStr(""),
        description="signs the URL to which a form redirects the browser. Several by commas: the first signs, all "
        "verify",
    )

    lifetime_seconds: float = Field(86_400, gt=0, le=604_800, description="how long a client may send its bytes")
    multipart_lifetime_seconds: float = Field(604_800, gt=0, le=604_800, description="the same for multipart uploads")
    open_form_bytes: int = Field(100 * MIB, ge=1, le=5 << 30, description="largest `max_size` of a form without `size`")
    open_form_lifetime_seconds: float = Field(
        3_600, gt=0, le=604_800, description="lifetime of such a form; its `max_size` is reserved meanwhile"
    )
    credentials_lifetime_seconds: int = Field(3_600, ge=900, description="lifetime of one set of STS credentials")
    part_bytes: int = Field(16 * MIB, ge=5 * MIB, description="smallest part size of a multipart upload")
    first_part_urls: int = Field(100, ge=1, le=1000, description="part URLs in one response; the client requests more")
    complete_wait_seconds: float = Field(20, gt=0, description="how long `complete` waits for a large object's hash")

    block_url_lifetime_seconds: int = Field(3_600, ge=1, le=3_600, description="lifetime of the URL for one block")
    block_grace_seconds: float = Field(
        86_400, gt=0, description="an unreferenced block is deleted this long after a client last asked for it"
    )

    unsized_interval_seconds: float = Field(
        60, gt=0, description="a block whose length was not signed is checked this often while it may be sent"
    )
    unclaimed_bytes: int = Field(
        2 << 30,
        ge=0,
        description="unclaimed blocks may take this much more than the account's remaining quota;"
        " also the limit for cancelled forms and credentials that still work",
    )
    unclaimed_interval_seconds: float = Field(60, gt=0, description="how often unclaimed blocks are measured")

    stray_grace_seconds: float = Field(86_400, gt=0, description="leftover objects of uploads are deleted at this age")
    delete_unknown: bool = Field(
        False, description="delete blocks and packs without a database row, instead of only counting them"
    )
    stray_page_delay_seconds: float = Field(10, gt=0, description="pause between two pages of the search for strays")
    stray_pass_delay_seconds: float = Field(21_600, gt=0, description="pause between two searches of the bucket")

    poll_interval_seconds: float = Field(1, gt=0, description="how often an instance looks for due work")
    lease_seconds: float = Field(60, gt=0, description="work of an instance that died is taken over after this")
    check_first_delay_seconds: float = Field(60, gt=0, description="first check for the object of an open upload")
    check_longest_delay_seconds: float = Field(900, gt=0, description="longest pause between two checks")
    commit_retry_delay_seconds: float = Field(10, gt=0, description="an interrupted commit is resumed after this")
    reservation_grace_seconds: float = Field(3_600, gt=0, description="a reservation outlives its upload by this")
    sweep_delay_seconds: float = Field(
        3_600, gt=0, description="last deletion this long after the last URL expired: a long PUT may have begun before"
    )

    settle_first_delay_seconds: float = Field(30, gt=0, description="first final check after completion")
    settle_longest_delay_seconds: float = Field(3_600, gt=0, description="longest pause between two final checks")
    settle_attempts: int = Field(6, ge=1, description="final checks before an upload counts as stalled")
    kept_days: float = Field(30, gt=0, description="how long a finished upload's session is kept")

    @property
    def block_put_life(self) -> timedelta:
        """Lifetime of requests with a block's URL that is issued now."""
        return timedelta(seconds=self.block_url_lifetime_seconds + self.sweep_delay_seconds)
