#pragma once
// What others may know of this system: its b2 services, receipts, and a transfer played without a network.
#include "ardus/v1/node.b2.h"
#include "ardus/receipt.h"
#include "ardus/simulation.h"
#include "ardus/transfer_end.h"
