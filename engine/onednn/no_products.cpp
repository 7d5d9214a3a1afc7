// In place of onednn_products.cpp where oneDNN is absent.

#include "engine/accelerator/products.h"

namespace endorm {

std::unique_ptr<Products> make_onednn_products(int) { return nullptr; }

}  // namespace endorm
