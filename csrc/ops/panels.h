// From NHWC images to the panels that block-sparse kernels read: every quad of k of some output pixels side by side
// (kernels/spgemm/spgemm.h). Where taps are whole quads, rows of channels are transposed from where they lie in the
// image; else the pixels' k is gathered first.
#pragma once

#include "kernels/spgemm/spgemm.h"
#include "ops/rows.h"

namespace mobilekernels {

class PanelWriter {
 public:
  // `workspace`: workspace_bytes(source), aligned to 4.
  PanelWriter(const RowSource& source, const SpgemmKernel& kernel, void* workspace);

  static int64_t workspace_bytes(const RowSource& source);

  // Output pixels [begin, end), at most kMostPanelPixels, of the group whose first channel is `first_channel`.
  void write(int64_t first_channel, int64_t begin, int64_t end, char* panel) const;

  // One output pixel as a plain row in the kernel's element type, whole quads.
  void write_row(int64_t first_channel, int64_t pixel, char* row) const;

 private:
  // The source as one of codes to be copied as they are: to the scalar kernel a code is a byte.
  RowSource plain_bytes() const;
  void write_taps(int64_t first_channel, int64_t begin, int64_t end, SpgemmPack pack) const;

  const RowSource& source_;
  const SpgemmKernel& kernel_;
  bool whole_quads_;
  int8_t* memory_;  // the padding of one tap, or a panel's rows
};

}  // namespace mobilekernels
