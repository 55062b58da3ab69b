"""Parameters of a Bot API call, however they came: query, JSON, urlencoded or multipart."""

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from bot.simulator.errors import ApiError, bad_request

_MAX_BODY = 50 * 1024 * 1024


class Upload(msgspec.Struct):
    """A file in a multipart body."""

    name: str
    mime_type: str
    content: bytes


class Params:
    """Typed access to the parameters; forms carry everything as text, complex values as JSON in text."""

    def __init__(self, values: dict[str, Any], files: dict[str, Upload] | None = None) -> None:
        self.values = values
        self.files = files or {}

    def raw(self, name: str) -> Any:
        """Return a value as it came, or None."""
        return self.values.get(name)

    def text(self, name: str) -> str:
        """Return a text, "" where it is missing."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number; raises 400 where the value is none."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'parameter "{name}" must be an integer') from None

    def flag(self, name: str) -> bool:
        """Return a boolean, False where it is missing."""
        return str(self.values.get(name, "")).lower() in {"true", "1", "yes"}

    def json(self, name: str) -> Any:
        """Return a complex value, decoded where it came as text; None where missing, 400 where malformed."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def object(self, name: str) -> dict[str, Any] | None:
        """Return an object or None; raises 400 for anything else."""
        value = self.json(name)
        if value is not None and not isinstance(value, dict):
            raise bad_request("object expected as " + name.replace("_", " "))
        return value

    def strings(self, name: str) -> list[str] | None:
        """Return a list of texts or None; raises 400 for anything else."""
        value = self.json(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise bad_request(f'parameter "{name}" must be an Array of String')
        return value

    def attachment(self, name: str) -> Upload | str | None:
        """Return an uploaded file, or the text in its place (a file_id or an address), or None."""
        if name in self.files:
            return self.files[name]
        value = self.text(name)
        if value.startswith("attach://"):
            upload = self.files.get(value.removeprefix("attach://"))
            if upload is None:
                raise bad_request(f"file {value!r} not found in the request")
            return upload
        return value or None

    def loggable(self) -> dict[str, Any]:
        """Return the parameters for the call log, decoded, with uploads named only."""
        shown: dict[str, Any] = {}
        for name, value in self.values.items():
            decoded = value
            if isinstance(value, str) and value[:1] in {"{", "["}:
                try:
                    decoded = msgspec.json.decode(value)
                except msgspec.DecodeError:
                    decoded = value
            shown[name] = decoded
        for name, upload in self.files.items():
            shown[name] = {"file_name": upload.name, "size": len(upload.content)}
        return shown


async def read_params(request: Request[Any, Any, Any]) -> Params:
    """Read all parameters of a request; raises 400 for a malformed body, 413 for one over 50 MB."""
    values: dict[str, Any] = {key: request.query_params[key] for key in request.query_params}
    if request.method != "POST":
        return Params(values)
    if int(request.headers.get("content-length") or 0) > _MAX_BODY:
        raise ApiError(413, "Request Entity Too Large")
    kind = request.content_type[0]
    if kind == "application/json":
        body = await request.body()
        try:
            decoded = msgspec.json.decode(body) if body else {}
        except msgspec.DecodeError:
            raise bad_request("can't parse request: body is not valid JSON") from None
        if not isinstance(decoded, dict):
            raise bad_request("can't parse request: object expected")
        return Params({**values, **decoded})
    files: dict[str, Upload] = {}
    if kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        try:
            form = await request.form()
        except ClientException:
            raise bad_request("can't parse request: malformed form") from None
        for key in form:
            value = form[key]
            if isinstance(value, UploadFile):
                files[key] = Upload(value.filename, value.content_type, await value.read())
            else:
                values[key] = value
    return Params(values, files)
