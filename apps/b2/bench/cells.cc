#include "cells.h"

namespace ghost::b2::bench {

namespace {

using std::chrono::microseconds;

constexpr Duration kSpin = microseconds(50);
constexpr Work kLatency{Work::Kind::calls, 32, 1, 1};
constexpr Work kOneWay{Work::Kind::stream, 32, 1, 1};
constexpr auto kTime = Cell::Measure::latency;
constexpr auto kRate = Cell::Measure::rate;
constexpr auto kAbsolute = Cell::Measure::absolute;

constexpr Cell kCells[] = {
    {"lat", "call of 32 B, TCP", kTime, 0.95, false, {}, kLatency},
    {"lat-spin", "call of 32 B, TCP, spin 50 us", kTime, 2.5, false, {kSpin, false, false}, kLatency},
    {"unix-lat", "call of 32 B, Unix socket", kTime, 0.95, true, {}, kLatency},
    {"unix-lat-spin", "call of 32 B, Unix socket, spin 50 us", kTime, 4, true, {kSpin, false, false}, kLatency},
    {"tls-lat", "call of 32 B, mutual TLS", kTime, 0.80, false, {Duration::zero(), true, false}, kLatency},
    {"udp-lat", "call of 32 B, UDP, raw over TCP", kTime, 0.75, false, {Duration::zero(), false, true}, kLatency},
    {"tput1", "calls of 32 B, 1 connection, 128 in flight", kRate, 0.90, false, {}, {Work::Kind::calls, 32, 1, 128}},
    {"tput64", "calls of 32 B, 64 connections, 8 in flight on each", kRate, 0.95, false, {}, {Work::Kind::calls, 32, 64, 8}},
    {"stream", "stream of 64 KiB messages", kRate, 0.95, false, {}, {Work::Kind::stream, 65536, 1, 1}},
    {"oneway", "stream of 32 B messages", kAbsolute, 10e6, false, {}, kOneWay},
    {"tls-oneway", "stream of 32 B messages, mutual TLS", kAbsolute, 6e6, false, {Duration::zero(), true, false}, kOneWay},
    {"codec", "encode and decode a message of 12 fields", Cell::Measure::codec, 150, false, {}, {}},
};

}  // namespace

std::span<const Cell> cells() { return kCells; }

}  // namespace ghost::b2::bench
