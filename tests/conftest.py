"""What all tests share."""

import torch

torch.set_num_threads(1)  # small pictures: cores that wait for each other cost more than they give
