#pragma once
// What others may know of this system: its b2 services.
#include "portlight/v1/ports.b2.h"
