#pragma once
// What others may know of this system: its b2 services.
#include "ariascribe/v1/catalogue.b2.h"
#include "ariascribe/v1/library.b2.h"
