#pragma once
// What others may know of this system: its b2 services.
#include "ardus/v1/node.b2.h"
