// Line charts beside each other as one SVG file, for pages that hold pictures only, a README for example.
#pragma once

#include <string>
#include <vector>

#include "tasks/report/chart.h"

namespace gradus {

// The charts in rows of up to three, their titles above them. One legend tells the names of all series: those of the same name
// have the same colour in every chart. Points that are not finite are left out, and so are charts without others; empty when
// none is left.
std::string svg_picture(const std::vector<Chart>& charts);

}  // namespace gradus
