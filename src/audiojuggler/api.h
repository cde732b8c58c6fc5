#pragma once
// What others may know of this system: its b2 services.
#include "audiojuggler/v1/jobs.b2.h"
