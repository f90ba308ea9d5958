#include "print/reference_notes.hpp"

namespace weir::config {

// How the source keeps RFC 9111; keyspaces/http/cache_control.hpp and http_confirmation.hpp do it.
std::string_view http_note() noexcept {
  return R"(
weir is a shared cache in front of the origin (RFC 9111). The keyspace's `ttl` is the most that a value is kept, and
what it is kept for where the origin says nothing; `negative_ttl` is the same for "not found". What the origin says can
only shorten them:

| the answer has | |
|---|---|
| `Cache-Control: no-store`, `no-cache`, `private` | answered, not kept. With a list (`private="x-user"`) only if it names Content-Type, ETag or Last-Modified: no other field is kept anyhow |
| `s-maxage`, else `max-age`, else `Expires` less `Date` | the time it may be kept, counted from when the request left. Of several the shortest; what cannot be read, as in `Expires: 0`, is 0 |
| `Age` | taken off that time. Without it, behind a proxy (`Via`): what has passed since `Date` |
| `Vary: *` | answered, not kept. Other `Vary` need nothing: the requests of a keyspace differ in the key alone |
| `must-revalidate`, `proxy-revalidate` | kept to anyhow: nothing is served past its time |
| `public`, `must-understand`, `immutable`, `stale-while-revalidate`, `stale-if-error`, `CDN-Cache-Control`, `Pragma` | ignored: none of them shortens the time |
| `Set-Cookie` | dropped; the value is kept. An origin that answers by cookie says `private` |
| `ETag`, else `Last-Modified` (if a second before `Date`) | sent back once the time is over, as `If-None-Match` or `If-Modified-Since`, tags weak and strong; a 304 makes the value that of this load, for the time that the 304 grants, else for that of the 200 |

A value that can be confirmed so stays in memory for ten minutes past its time, as long as there is room, counts as an
entry until then, and is served to nobody unconfirmed. After an invalidation the value is asked for anew, without a
condition.

Credentials in `headers` belong to the keyspace, not to a client: every reader of the keyspace gets what they open, and
answers are kept as if there were none, though RFC 9111 (3.5) would have `public` for that. An origin whose answer is
for one user says `private`.

| status | |
|---|---|
| 200, 203 | the value. 204: an empty value |
| 404, 410 | not found, kept for `negative_ttl` or as long as the origin says, whichever is less |
| 304 | only as the answer to a condition. One that names another tag is asked again without |
| other | `source_failed`, kept by nobody; redirects are not followed, parts (206) not taken |

Requests say `Accept-Encoding: identity`; an answer with another `Content-Encoding` is refused. A header may have 128
fields and 64 KiB, and must be HTTP/1.1 or 1.0 to the letter; `?explain` says what was wrong with it.

**Hosts.** A name is looked up as the system does: the hosts file, then DNS with the search list and `ndots` of
`/etc/resolv.conf`; a search domain whose server fails or refuses does not end the search. A name that ends with a dot is
looked up as it stands. Answers are kept for their TTL, 1 s at least and 5 s at most. Of several addresses the next one is
tried as soon as one refuses or has been silent for 250 ms.

**Connections** are kept for 30 s and used for a minute at most, so that an origin that moves is followed. When one stays
silent until the time-out, the others that have been idle since before are closed: a fail-over costs one time-out. A kept
connection that the origin closes before the first byte of an answer is no failure: the GET is sent once more.
)";
}

}  // namespace weir::config
