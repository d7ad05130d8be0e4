"""A variational autoencoder on small digits: the reparametrised draw, BCE summed plus the KL divergence.

`python tests/programs/vae.py [STEPS]`. Only the imports say minidl."""

import argparse

import numpy as np

import minidl as torch
import minidl.utils.data
from minidl import nn, optim
from minidl.nn import functional as F

parser = argparse.ArgumentParser(description="VAE example")
parser.add_argument("steps", type=int, nargs="?", default=100)
parser.add_argument("--batch-size", type=int, default=8, metavar="N")
parser.add_argument("--no-cuda", action="store_true", default=False)
parser.add_argument("--seed", type=int, default=1, metavar="S")
args = parser.parse_args([] if __name__ != "__main__" else None)
args.cuda = not args.no_cuda and torch.cuda.is_available()

torch.manual_seed(args.seed)
device = torch.device("cuda" if args.cuda else "cpu")
kwargs = {"num_workers": 1, "pin_memory": True} if args.cuda else {}


class Digits(torch.utils.data.Dataset):
    """Strokes of one pixel, for want of a download."""

    def __init__(self, n=24):
        rng = np.random.RandomState(0)
        self.data = np.zeros((n, 1, 8, 8), dtype=np.float32)
        self.targets = rng.randint(0, 8, size=n)
        for image, column in zip(self.data, self.targets):
            image[0, 1:7, column] = rng.uniform(0.5, 1.0, 6)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return torch.from_numpy(self.data[index]), int(self.targets[index])


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(64, 20)
        self.fc21 = nn.Linear(20, 4)
        self.fc22 = nn.Linear(20, 4)
        self.fc3 = nn.Linear(4, 20)
        self.fc4 = nn.Linear(20, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction="sum")
    # 0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2)
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


def make():
    return (VAE().to(device),)


def train(model, steps):
    dataset = Digits()
    loader = torch.utils.data.DataLoader(dataset, batch_size=args.batch_size, shuffle=True, **kwargs)
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    model.train()
    while len(losses) < steps:
        train_loss = 0
        for batch_idx, (data, _) in enumerate(loader):
            data = data.to(device).to(next(model.parameters()).dtype)
            optimizer.zero_grad()
            recon_batch, mu, logvar = model(data)
            loss = loss_function(recon_batch, data, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            losses.append(loss.item() / len(data))
            optimizer.step()
            if batch_idx % 2 == 0:
                print("Train: [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    batch_idx * len(data), len(loader.dataset),
                    100. * batch_idx / len(loader), loss.item() / len(data)))
        print("====> Average loss: {:.4f}".format(train_loss / len(loader.dataset)))
    with torch.no_grad():
        sample = torch.randn(4, 4).to(device)
        sample = model.decode(sample).cpu()
        print(sample.view(4, 1, 8, 8).mean(dim=(1, 2, 3)))
    return losses + sample.flatten().tolist()


if __name__ == "__main__":
    train(*make(), steps=args.steps)
