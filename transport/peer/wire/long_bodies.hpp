#pragma once

#include "peer/wire/frame_queue.hpp"
#include "peer/wire/peer_codec_parts.hpp"

#include <weir/engine/peer.hpp>

#include <cstddef>
#include <vector>

namespace weir {

// Whether a message may need more than one chunk of a frame queue: an estimate that errs on the long
// side only.

inline bool may_be_long(const get_reply& reply) {
  return reply.answer.entry.value.size() >= frame_body::splice_from || !reply.steps.empty();
}

inline bool may_be_long(const change_request& request) {
  return request.value.size() >= frame_body::splice_from;
}

inline bool may_be_long(const get_many_reply&) {
  return true;
}

inline bool may_be_long(const report_reply&) {
  return true;
}

inline bool may_be_long(const get_many_request&) {
  return true;
}

// Up to so many names and members fit one chunk beside everything else.
constexpr std::size_t few = 16;

inline bool may_be_long(const electorate_note& note) {
  return note.state != nullptr;
}

inline bool may_be_long(const std::vector<change_record>& records) {
  return largest_size(records) > frame_chunk / 4;
}

inline bool may_be_long(const change_reply& reply) {
  return reply.view.size() > few || reply.unconfirmed.size() > few;
}

inline bool may_be_long(const confirm_reply& reply) {
  return reply.unconfirmed.size() > few;
}

inline bool may_be_long(const ping_request& request) {
  return may_be_long(request.note) || request.silent.size() > few;
}

inline bool may_be_long(const ping_reply& reply) {
  return reply.view.size() > few || reply.silent.size() > few || reply.settings != nullptr ||
         may_be_long(reply.note) || may_be_long(reply.hints);
}

// The other requests that carry a note and records.
template <class Message>

requires requires(const Message& message) {
  message.note, message.records;
}

inline bool may_be_long(const Message& message) {
  return may_be_long(message.note) || may_be_long(message.records);
}

// The other replies: a note and a few numbers.
template <class Message>

requires(
    requires(const Message& message) { message.note; } &&
    !requires(const Message& message) { message.records; }
) bool may_be_long(const Message& message) {
  return may_be_long(message.note);
}

template <class Short>

requires(!requires(const Short& message) { message.note; }) inline bool may_be_long(const Short&) {
  return false;
}

}  // namespace weir
